/**
 * A devnet whose processes are killed and revived while its job runs: it completes all the same, everyone is paid to the
 * wei, and it serves another job. What is due is computed here from docs/protocol/job.md and the contract's events alone, by ethers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contract, type EventLog, getAddress, JsonRpcProvider } from 'ethers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobManagerAbi } from '../../contracts/generated/index.ts';
import { clientKey, example, lastEvent } from './network.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Generous: a shared machine may be several times slower than the figure in docs/performance.md. */
const TIMEOUT_MS = 900_000;
const ZERO = `0x${'0'.repeat(40)}`;

interface Done {
  job: { id: string; state: string; verified: boolean };
  chaos: { kills: number; payoutExact: boolean; roundsLost: number };
}

interface Posted {
  reward: bigint;
  client: string;
}

let folder: string;
let devnet: ChildProcess;
let done: Done;
let privateKey: string;
let rpcUrl: string;
let provider: JsonRpcProvider;
let manager: Contract;
let validators: { address: string; power: string }[];
/** Everything is read as of one block: daemons that came back late withdraw while this test looks. */
let head: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-chaos-'));
  const job = join(folder, 'job.json');
  await writeFile(job, await shorterJob());
  const network = join(folder, 'network');
  const phrase = join(folder, 'phrase.txt');
  privateKey = await clientKey(phrase);
  const chaos = ['--chaos', '0.3', '--seed', '7', '--job', job, '--json', '--keep-logs'];
  const place = ['--rpc-port', '0', '--evaluators', '3', '--data-dir', network, '--phrase-file', phrase];
  devnet = spawn(process.execPath, ['cli/fedai.js', 'devnet', ...chaos, ...place], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  done = await lastEvent<Done>(devnet);
  ({ rpcUrl } = JSON.parse(readFileSync(join(network, 'validator-1', 'node.json'), 'utf8')));
  const spec = JSON.parse(readFileSync(join(network, 'chain.json'), 'utf8'));
  validators = spec.validators.map((one: { address: string }) => ({
    ...one,
    address: getAddress(one.address),
  }));
  provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true });
  manager = new Contract(spec.contracts.jobManager, jobManagerAbi, provider);
  head = await provider.getBlockNumber();
}, TIMEOUT_MS);

afterAll(async () => {
  provider?.destroy();
  const gone = new Promise((resolve) => devnet.once('close', resolve));
  if (devnet.exitCode === null && devnet.kill('SIGINT')) await gone;
  await rm(folder, { recursive: true, force: true });
});

/** The demo's job with fewer steps, and time for a round to pass a slow machine by. */
async function shorterJob(): Promise<string> {
  const document = JSON.parse(await readFile(join(ROOT, 'docs/examples/demo-job.json'), 'utf8'));
  document.training = { ...document.training, rounds: 4, stepsPerRound: 60 };
  document.recipe.optimizer.config.boundaries = [100, 160];
  document.deadlines = { ...document.deadlines, roundBlocks: 240, commitBlocks: 180, revealBlocks: 120 };
  return JSON.stringify(document);
}

async function eventsOf(name: string): Promise<EventLog[]> {
  const filter = manager.filters[name]!(...(name === 'Withdrawn' ? [] : [done.job.id]));
  return (await manager.queryFilter(filter, 0, head)) as EventLog[];
}

/** Equal parts; the first has what does not divide. */
function split(amount: bigint, accounts: string[], due: Map<string, bigint>): void {
  accounts.forEach((account, i) => {
    const count = BigInt(accounts.length);
    const part = amount / count + (i === 0 ? amount % count : 0n);
    due.set(account, (due.get(account) ?? 0n) + part);
  });
}

/**
 * Of a completed job: 4 % to evaluators. The other parts, 4 % work fees, 1 % auditors (60 / n % where a round has n < 60 segments, in whole
 * basis points, at most 60 %), 1 % validators and the rest for workers, are cut into a unit for each round of each slot, and a committed trace makes its units due; one that is lost brings its worker nothing.
 */
async function dueByRules(): Promise<Map<string, bigint>> {
  const { reward: escrow, client } = (await eventsOf('JobPosted'))[0]!.args as unknown as Posted;
  const workers: string[] = [...(await eventsOf('TrainingStarted'))[0]!.args.workers];
  const [evaluation, fees, stake] = [(escrow * 4n) / 100n, (escrow * 4n) / 100n, escrow / 100n];
  const { segments } = (await manager.getFunction('job')(done.job.id)).post;
  const auditorsBps = segments >= 60n ? 100n : 6_000n / segments;
  const audits = (escrow * auditorsBps) / 10_000n;
  const pool = escrow - evaluation - fees - audits - stake;
  const units = BigInt(workers.length * (await eventsOf('RoundCommitted')).length);
  const due = new Map<string, bigint>([[ZERO, 0n]]);
  const pay = (account: string, wei: bigint) => due.set(account, (due.get(account) ?? 0n) + wei);
  let [staked, audited] = [0n, 0n];
  for (const { args } of await eventsOf('TraceCommitted')) {
    const before = args.round * BigInt(workers.length) + args.slot;
    const unit = (part: bigint) => (part * (before + 1n)) / units - (part * before) / units;
    expect(workers[Number(args.slot)]).toBe(args.worker);
    pay(ZERO, unit(fees));
    staked += unit(stake);
    audited += unit(audits);
    // A draw that voids a trace leaves no event.
    const at = [done.job.id, args.round, args.slot, { blockTag: head }] as const;
    const { lost } = await manager.getFunction('traceOf')(...at);
    if (!lost) pay(args.worker, unit(pool));
  }
  split(evaluation, await agreeing(), due);
  const power = validators.reduce((sum, one) => sum + BigInt(one.power), 0n);
  let rest = staked;
  for (const [i, one] of validators.entries()) {
    const part = i === validators.length - 1 ? rest : (staked * BigInt(one.power)) / power;
    rest -= part;
    pay(one.address, part);
  }
  pay(client, escrow - audited - [...due.values()].reduce((sum, wei) => sum + wei, 0n));
  return due;
}

/** Evaluators of the last draw whose reveal is the one that most gave, in the order of the draw. */
async function agreeing(): Promise<string[]> {
  const drawn: string[] = [...(await eventsOf('EvaluatorsDrawn')).at(-1)!.args.evaluators];
  const reveals = await eventsOf('ScoreRevealed');
  const scoreOf = new Map(reveals.map(({ args }) => [args.evaluator, args.score.toArray().join()]));
  const votes = drawn.map((evaluator) => scoreOf.get(evaluator)).filter((score) => score !== undefined);
  const best = votes.find((score) => 3 * votes.filter((one) => one === score).length >= 2 * drawn.length);
  return drawn.filter((evaluator) => scoreOf.get(evaluator) === best);
}

test('completes and verifies with processes dying all the while', () => {
  expect(done.job).toMatchObject({ state: 'Completed', verified: true });
  expect(done.chaos.kills).toBeGreaterThan(3);
  expect(done.chaos).toMatchObject({ payoutExact: true, roundsLost: 0 });
});

test('every account has what the rules give it, to the wei', async () => {
  const due = await dueByRules();
  const credited = new Map<string, bigint>();
  for (const { args } of await eventsOf('Credited'))
    credited.set(args.account, (credited.get(args.account) ?? 0n) + args.amount);
  credited.set(ZERO, (await eventsOf('JobSettled'))[0]!.args.payouts.burned);
  const same = (map: Map<string, bigint>) => [...map].filter(([, wei]) => wei > 0n).sort();
  expect(same(credited)).toEqual(same(due));
  // What was credited is there: withdrawn, or in the contract for its owner.
  const withdrawn = new Map<string, bigint>();
  for (const { args } of await eventsOf('Withdrawn'))
    withdrawn.set(args.account, (withdrawn.get(args.account) ?? 0n) + args.amount);
  for (const [account, wei] of credited) {
    if (account === ZERO) continue;
    const left: bigint = await manager.getFunction('withdrawable')(account, { blockTag: head });
    expect((withdrawn.get(account) ?? 0n) + left, account).toBe(wei);
  }
});

test(
  'completes a second job, which a plain ethers script posts',
  async () => {
    const access = [join(folder, 'network', 'chain.json'), rpcUrl, done.job.id];
    const stdout = await example('post-with-ethers.ts', access, privateKey);
    expect(stdout).toMatch(/job 2: \d+\/2000 correct/);
  },
  TIMEOUT_MS,
);
