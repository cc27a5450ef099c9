/**
 * `node scripts/soak-consensus.ts`: consensus under as many seeded schedules as wanted, in two processes. Stops at the
 * first seed that fails and prints the command that replays it.
 */
import { parseArgs } from 'node:util';
import { startPool } from '../test/sim/support/pool.ts';

const HELP = `usage: node scripts/soak-consensus.ts [--schedules 100000] [--seed 1] [--processes 2] [--json]

Runs the seeds from --seed on, each a run of four validators under losses, partitions, crashes, wrong clocks and a
faulty validator. To go on after a break, give the seed that the last line of progress names.
Exit code 0 only if all held. --json prints the totals as one line.`;
const PROGRESS_EVERY_MS = 5_000;
const MAX_PROCESSES = 2;

async function run(first: number, schedules: number, processes: number, json: boolean): Promise<number> {
  const pool = startPool(first, schedules, processes);
  const started = performance.now();
  const tell = () => {
    const { schedules: done, heights, crashes, evidence } = pool.totals;
    const facts = `${heights} heights, ${crashes} crashes, ${evidence} proofs of equivocation`;
    process.stderr.write(
      `${done} of ${schedules} schedules, ${facts}; goes on at --seed ${pool.resumeAt()}\n`,
    );
  };
  const timer = setInterval(tell, PROGRESS_EVERY_MS);
  await pool.finished;
  clearInterval(timer);
  tell();
  const { failure = null, totals } = pool;
  const seconds = Math.round((performance.now() - started) / 1000);
  if (failure !== null) process.stderr.write(`${failure}\n`);
  const virtualSeconds = Math.round(totals.virtualSeconds);
  if (json)
    process.stdout.write(
      `${JSON.stringify({ firstSeed: first, ...totals, virtualSeconds, seconds, failure })}\n`,
    );
  else process.stdout.write(`${totals.schedules} schedules held in ${seconds} s\n`);
  return failure === null ? 0 : 1;
}

function wholeNumber(text: string, name: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  process.stderr.write(`--${name}: expected a whole number from 1 to ${max}, got ${text}\n`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: `${MAX_PROCESSES}` },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(`${HELP}\n`);
else
  process.exitCode = await run(
    wholeNumber(values.seed, 'seed', 2 ** 40),
    wholeNumber(values.schedules, 'schedules', 2 ** 40),
    wholeNumber(values.processes, 'processes', MAX_PROCESSES),
    values.json,
  );
