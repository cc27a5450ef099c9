/**
 * `node scripts/soak-consensus.ts`: consensus under as many seeded schedules as wanted, in two processes. Stops at the
 * first seed that fails and prints the command that replays it.
 */
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { cheapScheme } from '../test/sim/support/cheap-scheme.ts';
import { addTotals, NOTHING, runSeeds, type Totals } from '../test/sim/support/range.ts';

const HELP = `usage: node scripts/soak-consensus.ts [--schedules 100000] [--seed 1] [--processes 2] [--json]

Runs the seeds from --seed on, each a run of four validators under losses, partitions, crashes, wrong clocks and a
faulty validator. To go on after a break, give the seed that the last line of progress names.
Exit code 0 only if all held. --json prints the totals as one line.`;
/** Small, so that progress is seen and little is lost at a break. */
const SEEDS_PER_TASK = 50;
const PROGRESS_EVERY_MS = 5_000;
const MAX_PROCESSES = 2;

interface Task {
  from: number;
  count: number;
}

type Answer = { from: number; totals: Totals } | { from: number; failure: string };

const range = ({ from, count }: Task) => Array.from({ length: count }, (_, i) => from + i);

/** The other side of `fork`: one task after another. */
function work(): void {
  process.on('message', (task: Task) => {
    runSeeds(range(task), cheapScheme).then(
      (totals) => process.send!({ from: task.from, totals }),
      (error: Error) => process.send!({ from: task.from, failure: error.message }),
    );
  });
  process.on('disconnect', () => process.exit());
}

interface Soak {
  first: number;
  last: number;
  next: number;
  done: Set<number>;
  totals: Totals;
  failure: string | undefined;
}

/** All seeds before it have held. */
function resumeAt({ first, done, last }: Soak): number {
  let seed = first;
  while (done.has(seed)) seed += SEEDS_PER_TASK;
  return Math.min(seed, last + 1);
}

/** Resolves when this process has nothing left to do. */
function runProcess(soak: Soak): Promise<void> {
  const child = fork(import.meta.filename, ['--work'], { stdio: 'inherit' });
  const give = () => {
    if (soak.failure !== undefined || soak.next > soak.last) return child.disconnect();
    const count = Math.min(SEEDS_PER_TASK, soak.last + 1 - soak.next);
    child.send({ from: soak.next, count } satisfies Task);
    soak.next += count;
  };
  child.on('message', (answer: Answer) => {
    if ('failure' in answer) soak.failure ??= answer.failure;
    else {
      soak.done.add(answer.from);
      soak.totals = addTotals(soak.totals, answer.totals);
    }
    give();
  });
  give();
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      if (code !== 0)
        soak.failure ??= `a process ended with code ${code}; seeds from ${resumeAt(soak)} are not done`;
      resolve();
    });
  });
}

async function run(first: number, schedules: number, processes: number, json: boolean): Promise<number> {
  const soak: Soak = {
    ...{ first, last: first + schedules - 1, next: first },
    ...{ done: new Set<number>(), totals: NOTHING, failure: undefined },
  };
  const started = performance.now();
  const tell = () => {
    const { schedules: done, heights, crashes, evidence } = soak.totals;
    const facts = `${heights} heights, ${crashes} crashes, ${evidence} proofs of equivocation`;
    process.stderr.write(
      `${done} of ${schedules} schedules, ${facts}; goes on at --seed ${resumeAt(soak)}\n`,
    );
  };
  const timer = setInterval(tell, PROGRESS_EVERY_MS);
  await Promise.all(Array.from({ length: processes }, () => runProcess(soak)));
  clearInterval(timer);
  tell();
  const { failure = null, totals } = soak;
  const seconds = Math.round((performance.now() - started) / 1000);
  if (failure !== null) process.stderr.write(`${failure}\n`);
  const summary = {
    firstSeed: first,
    ...totals,
    virtualSeconds: Math.round(totals.virtualSeconds),
    seconds,
    failure,
  };
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
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
    work: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(`${HELP}\n`);
else if (values.work) work();
else
  process.exitCode = await run(
    wholeNumber(values.seed, 'seed', 2 ** 40),
    wholeNumber(values.schedules, 'schedules', 2 ** 40),
    wholeNumber(values.processes, 'processes', MAX_PROCESSES),
    values.json,
  );
