/** What a job would take, judged by the workers that are registered now and by what the latest jobs took. */
import type { Hex } from '../../core/index.ts';
import { EVALUATOR_ROLE, isFinal, type Job, type Parameters, WORKER_ROLE } from '../../market/index.ts';
import { codecOf } from '../decode/abis.ts';
import { ask, contractAt, openMarket } from '../node/node.ts';
import { latestHeight } from './account.ts';
import { readDocument } from './document.ts';
import { eventsNamed, jobRows } from './jobs.ts';

/** As many blocks as a chain node searches at once. */
const LOG_RANGE = 90_000;
const MAX_PEOPLE = 200;
const LATEST_JOBS = 12;
/** One core with the WebAssembly kernel, where no job has told yet: a tenth of a nanosecond a multiply-add, half of it lost. */
const NOMINAL_MACS_PER_SECOND = 5e9;

export interface WorkerFacts {
  address: Hex;
  free: bigint;
}

/** What one recent job tells. */
interface Told {
  /** Multiply-adds a second of one slot, with all that comes between training rounds. */
  macsPerSecond: number[];
  openSeconds: number | undefined;
  scoreSeconds: number | undefined;
  weiPerGigaMac: number;
}

export interface LiveFacts {
  workers: WorkerFacts[];
  evaluators: number;
  parameters: Parameters;
  blockSeconds: number;
  /** Sorted, one a training round of recent jobs. */
  speeds: number[];
  openSeconds: number | undefined;
  scoreSeconds: number | undefined;
  /** Middle price of recent jobs. */
  weiPerGigaMac: number | undefined;
  jobs: number;
  /** Wei: posting and handing out keys, at today's price of gas. */
  feeOf: (evaluators: number, workersWithKeys: number) => bigint;
}

const middle = (values: readonly number[]): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

export async function readLiveFacts(): Promise<LiveFacts> {
  const market = await openMarket();
  const height = await latestHeight();
  const [people, parameters, told, blockSeconds, feeOf] = await Promise.all([
    readWorkers(height),
    market.parameters(),
    readJobs(),
    readBlockSeconds(height),
    readFees(height),
  ]);
  return {
    ...people,
    parameters,
    blockSeconds,
    speeds: told.flatMap(({ macsPerSecond }) => macsPerSecond).toSorted((a, b) => a - b),
    openSeconds: middle(told.flatMap(({ openSeconds }) => openSeconds ?? [])),
    scoreSeconds: middle(told.flatMap(({ scoreSeconds }) => scoreSeconds ?? [])),
    weiPerGigaMac: middle(told.map(({ weiPerGigaMac }) => weiPerGigaMac)),
    jobs: told.length,
    feeOf,
  };
}

async function readWorkers(height: number): Promise<{ workers: WorkerFacts[]; evaluators: number }> {
  const market = await openMarket();
  const logs = await ask.logs({
    address: await contractAt('workerRegistry'),
    topics: [codecOf('workerRegistry')!.getEvent('NodeRegistered')!.topicHash as Hex],
    fromHeight: Math.max(0, height - LOG_RANGE),
    toHeight: height,
  });
  const accounts = [...new Set(logs.map(({ topics }) => `0x${topics[1]!.slice(26)}` as Hex))];
  const seen = await Promise.all(
    accounts.slice(-MAX_PEOPLE).map(async (address) => ({
      address,
      roles: (await market.nodeOf(address)).roles,
      free: await market.freeStakeOf(address),
    })),
  );
  return {
    workers: seen.filter(({ roles }) => (roles & WORKER_ROLE) !== 0),
    evaluators: seen.filter(({ roles }) => (roles & EVALUATOR_ROLE) !== 0).length,
  };
}

const BLOCKS_LOOKED_AT = 50;

async function readBlockSeconds(height: number): Promise<number> {
  const first = Math.max(1, height - BLOCKS_LOOKED_AT);
  if (first >= height) return 1;
  const [from, to] = await Promise.all([ask.block(first), ask.block(height)]);
  if (from === null || to === null) return 1;
  return Math.max(0.1, (to.timestamp - from.timestamp) / (height - first));
}

async function readJobs(): Promise<Told[]> {
  const jobs = (await jobRows({ newest: LATEST_JOBS })).filter(
    (job) => isFinal(job.state) && job.roundsFixed > 0,
  );
  const told = await Promise.all(jobs.map((job) => readJob(job).catch(() => undefined)));
  return told.filter((one) => one !== undefined);
}

async function readJob(job: Job): Promise<Told> {
  const market = await openMarket();
  const toHeight = await latestHeight();
  const { plan } = await readDocument(job);
  const { stepCost } = await import('./jobRules.ts');
  const events = await market.events({ fromHeight: job.postedAt, toHeight, jobId: job.id });
  const times = new Map<number, Promise<number | undefined>>();
  const at = (height: number | undefined): Promise<number | undefined> => {
    if (height === undefined) return Promise.resolve(undefined);
    const known = times.get(height) ?? ask.block(height).then((block) => block?.timestamp);
    times.set(height, known);
    return known;
  };
  const between = async (from: number | undefined, to: number | undefined): Promise<number | undefined> => {
    const [a, b] = [await at(from), await at(to)];
    return a === undefined || b === undefined ? undefined : b - a;
  };
  const macs = stepCost(plan.model, plan.recipe).macs * plan.document.training.stepsPerRound;
  const started = eventsNamed(events, 'TrainingStarted')[0]?.height;
  const rounds = eventsNamed(events, 'RoundCommitted').map(({ height }) => height);
  const lengths = await Promise.all(
    rounds.map((height, i) => between(i === 0 ? started : rounds[i - 1], height)),
  );
  return {
    macsPerSecond: lengths.flatMap((seconds) =>
      seconds !== undefined && seconds > 0 ? [macs / seconds] : [],
    ),
    openSeconds: await between(job.postedAt, started),
    scoreSeconds: await between(
      eventsNamed(events, 'ResultSubmitted')[0]?.height,
      eventsNamed(events, 'JobSettled')[0]?.height,
    ),
    weiPerGigaMac: Number(job.reward) / ((macs * job.post.rounds * job.post.workers) / 1e9),
  };
}

/** Gas where no transaction of the kind is to be found: as measured on a devnet. */
const NOMINAL_GAS = { post: 900_000n, key: 220_000n };

async function readFees(height: number): Promise<LiveFacts['feeOf']> {
  const codec = codecOf('jobManager')!;
  const address = await contractAt('jobManager');
  const fromHeight = Math.max(0, height - LOG_RANGE);
  const gasOf = async (event: string): Promise<bigint | undefined> => {
    const topics = [codec.getEvent(event)!.topicHash as Hex];
    const last = (await ask.logs({ address, topics, fromHeight, toHeight: height })).at(-1);
    return last && (await ask.receipt(last.transactionHash))?.gasUsed;
  };
  const [post, key, block] = await Promise.all([
    gasOf('JobPosted'),
    gasOf('TestKeyDelivered'),
    ask.block(height),
  ]);
  const price = block?.baseFeePerGas ?? 0n;
  return (evaluators, workersWithKeys) =>
    price * ((post ?? NOMINAL_GAS.post) + (key ?? NOMINAL_GAS.key) * BigInt(evaluators + workersWithKeys));
}

export interface JobSize {
  macsPerStep: number;
  stepsPerRound: number;
  rounds: number;
  workers: number;
  evaluators: number;
  encrypted: boolean;
  workerStake: bigint;
  volunteerBlocks: number;
}

export interface Estimate {
  /** Seconds: likely, and how short and long the recent rounds would make it. */
  likely: number;
  shortest: number;
  longest: number;
  parts: { open: number; train: number; score: number };
  /** Workers that are registered with enough free stake. */
  able: number;
  fee: bigint;
  /** What recent jobs of this size were paid; undefined when there were none. */
  usualReward: bigint | undefined;
  /** Training rounds that the speed is taken from; 0: from the kernel's speed on one core. */
  measured: number;
}

const quantile = (sorted: readonly number[], share: number): number | undefined =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

export function estimate(facts: LiveFacts, size: JobSize): Estimate {
  const { speeds, blockSeconds, parameters } = facts;
  const macs = size.macsPerStep * size.stepsPerRound;
  // A round takes two blocks at least: its traces and its agreed state.
  const trainAt = (speed: number): number => size.rounds * Math.max(2 * blockSeconds, macs / speed);
  const open = (size.volunteerBlocks + parameters.drawDelayBlocks + 1) * blockSeconds;
  const score = facts.scoreSeconds ?? 30 * blockSeconds;
  const likely = quantile(speeds, 0.5) ?? NOMINAL_MACS_PER_SECOND;
  const [slow, fast] =
    speeds.length === 0 ? [likely / 4, likely * 2] : [quantile(speeds, 0.1)!, quantile(speeds, 0.9)!];
  const total = (macs * size.rounds * size.workers) / 1e9;
  return {
    likely: open + trainAt(likely) + score,
    shortest: open + trainAt(fast) + score / 2,
    longest: open + trainAt(slow) + score * 2,
    parts: { open, train: trainAt(likely), score },
    able: facts.workers.filter(({ free }) => free >= size.workerStake).length,
    fee: facts.feeOf(size.evaluators, size.encrypted ? size.workers : 0),
    usualReward:
      facts.weiPerGigaMac === undefined ? undefined : BigInt(Math.round(facts.weiPerGigaMac * total)),
    measured: speeds.length,
  };
}
