import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  concatBytes,
  fromHex,
  type Hex,
  sha256,
  silentLog,
  toHex,
  uintBytes,
  utf8,
} from '../../core/index.ts';
import {
  createMarket,
  EVALUATOR_ROLE,
  enrol,
  hashReceipt,
  isRevert,
  type Job,
  type JobPost,
  type Market,
  receiptStorageKey,
  recoverSigner,
  roundClaimDigest,
  type Score,
  scoreCommitment,
  scoreDigest,
  signDigest,
  verdicts,
  WORKER_ROLE,
  ZERO_HASH,
} from '../../market/index.ts';
import { type MarketChain, startMarketChain, TRAIN } from '../support/marketChain.ts';
import { oneSegment } from '../support/traceClaim.ts';
import { tracesOnChain, wagesCredited, wagesDue } from '../support/wages.ts';

const testKey = sha256(utf8('test key'));
const hashOf = (text: string): Hex => toHex(sha256(utf8(text)));
const REWARD = 100n * TRAIN + 7n;

const post: JobPost = {
  documentCid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
  documentHash: hashOf('document'),
  workers: 3,
  evaluators: 3,
  rounds: 2,
  mode: 1,
  minimumBands: 0,
  targetScorePpm: 900_000,
  testKeyCommitment: toHex(sha256(testKey)),
  testRoot: hashOf('test set'),
  workerStake: 10n * TRAIN,
  deadlines: {
    volunteerBlocks: 4,
    roundBlocks: 40,
    resultBlocks: 40,
    keyBlocks: 40,
    commitBlocks: 40,
    revealBlocks: 40,
  },
  segments: 1,
  provable: false,
  fullAudit: false,
};

let network: MarketChain;
let client: Market;
let workers: Market[];
let evaluators: Market[];

const accountOf = (market: Market): Hex => market.account!;

async function join(market: Market, roles: number, stake: bigint): Promise<void> {
  const key = sha256(utf8(accountOf(market)));
  await enrol(market, { roles, bands: 3, readerKey: key, peerId: key, stake }, silentLog);
}

beforeAll(async () => {
  // Long enough that the last traces are not clear when the last score is revealed.
  network = await startMarketChain({ workInterval: 20 });
  client = network.marketOf(1);
  workers = [2, 3, 4].map((index) => network.marketOf(index));
  evaluators = [5, 6, 7, 8].map((index) => network.marketOf(index));
  for (const worker of workers) await join(worker, WORKER_ROLE, 20n * TRAIN);
  for (const evaluator of evaluators) await join(evaluator, EVALUATOR_ROLE, 50n * TRAIN);
});

afterAll(() => network.stop());

/** Blocks until the chain is at `height`. */
async function mineTo(height: number): Promise<void> {
  const head = network.chain.application.head.height;
  if (height > head) await network.chain.mine(height - head);
}

async function openToTraining(): Promise<Job> {
  const jobId = await client.postJob(post, REWARD);
  for (const worker of workers) await worker.assignWorker(jobId);
  await mineTo((await client.job(jobId)).drawHeight + 1);
  await client.closeAssignment(jobId);
  return client.job(jobId);
}

const weightsRoot = hashOf('weights');
const optimiserRoot = hashOf('optimiser');
const lastRoot = toHex(
  sha256(concatBytes(utf8('fedai-state/1'), fromHex(weightsRoot), fromHex(optimiserRoot), uintBytes(84, 8))),
);

/** The last slot has no trace of the last round. */
async function fixRounds(job: Job): Promise<void> {
  const slots = await client.workersOf(job.id);
  let start = hashOf('start');
  const domain = { chainId: await client.chainId(), jobManager: client.contracts.jobManager };
  for (const [round, stateRoot] of [hashOf('state 0'), lastRoot].entries()) {
    const claim = { stateRoot, stateCid: `cid${round}`, contributors: 0b111n, loss: -5n };
    const digest = roundClaimDigest(domain, job.id, round, claim);
    const signatures = [2, 4].map((index) => signDigest(network.privateKeyOf(index), digest));
    await workers[round]!.commitRound(job.id, round, claim, signatures);
    for (const worker of workers) {
      const slot = slots.indexOf(accountOf(worker));
      const trace = oneSegment(start, hashOf(`end ${round} ${slot}`));
      if (round === 0 || slot < 2) await worker.commitTrace(job.id, round, trace);
    }
    start = stateRoot;
  }
}

async function evaluate(job: Job): Promise<Score> {
  await mineTo((await client.job(job.id)).drawHeight + 1);
  await client.drawEvaluators(job.id);
  const drawn = await client.evaluatorsOf(job.id);
  const judges = evaluators.filter((market) => drawn.includes(accountOf(market)));
  await Promise.all(drawn.map((account) => client.deliverTestKey(job.id, account, '0x1234')));
  const verdict = verdicts.indexOf('Score');
  const score = { correct: 97, total: 100, outputsRoot: hashOf('outputs'), modelHash: weightsRoot, verdict };
  const salt = hashOf('salt');
  await Promise.all(
    judges.map((market) =>
      market.commitScore(job.id, scoreCommitment(job.id, accountOf(market), score, salt)),
    ),
  );
  const domain = { chainId: await client.chainId(), jobManager: client.contracts.jobManager };
  const digest = scoreDigest(domain, job.id, score);
  await client.publishTestKey(job.id, toHex(testKey));
  for (const market of judges) {
    const index = 5 + evaluators.indexOf(market);
    await market.revealScore(job.id, score, salt, signDigest(network.privateKeyOf(index), digest));
  }
  const { clearAt } = (await client.job(job.id)).accrued;
  expect(network.chain.application.head.height).toBeLessThan(clearAt - 2);
  await mineTo(clearAt - 2);
  const early = await client.completeJob(job.id).catch((error: unknown) => error);
  expect(isRevert(early, 'JobManagerTooEarly')).toBe(true);
  await mineTo(clearAt);
  await client.completeJob(job.id);
  return score;
}

describe('a job through the typed client', () => {
  test('runs from post to withdrawal, and its receipt hashes to what the state holds', async () => {
    const job = await openToTraining();
    expect(job.state).toBe('Training');
    expect(job.post).toEqual(post);
    expect([...(await client.workersOf(job.id))].sort()).toEqual(workers.map(accountOf).sort());
    await client.deliverDataKey(job.id, accountOf(workers[0]!), '0xabcd');
    await fixRounds(job);
    expect(await client.roundOf(job.id, 1)).toMatchObject({
      stateRoot: lastRoot,
      contributors: 7n,
      loss: -5n,
    });
    const result = { weightsRoot, optimiserRoot, counter: 84n, modelCid: 'model', claimedPpm: 970_000 };
    await workers[1]!.submitResult(job.id, result);
    const score = await evaluate(job);

    const receipt = await client.jobReceipt(job.id);
    expect(receipt).toMatchObject({
      state: 'Completed',
      modelHash: weightsRoot,
      modelCid: 'model',
      agreed: score,
    });
    expect(receipt.agreeing).toHaveLength(3);
    const { escrow, ...paid } = receipt.payouts;
    expect(escrow).toBe(REWARD);
    expect(Object.values(paid).reduce((sum, amount) => sum + amount, 0n)).toBe(REWARD);
    expect(await client.receiptHash(job.id)).toBe(hashReceipt(receipt));
    const stored = await client.transport.request('eth_getStorageAt', [
      client.contracts.jobManager,
      receiptStorageKey(job.id),
      'latest',
    ]);
    expect(stored).toBe(hashReceipt(receipt));

    const traces = await tracesOnChain(client, job.id);
    expect(traces.map(({ round, slot }) => 3 * round + slot).sort()).toEqual([0, 1, 2, 3, 4]);
    const { accrued } = await client.job(job.id);
    expect(accrued).toMatchObject({ traces: 5, lost: 0, workers: paid.workers, burned: paid.burned });
    const due = wagesDue(receipt, traces);
    expect(await wagesCredited(client, job.id, due.keys())).toEqual(due);
    expect(await client.withdrawable(accountOf(workers[0]!))).toBe(due.get(accountOf(workers[0]!)));
    await workers[0]!.withdraw();
    expect(await client.withdrawable(accountOf(workers[0]!))).toBe(0n);
  });

  test('tells its story as events, with signatures that recover to their evaluators', async () => {
    const events = await client.events({ fromHeight: 0, jobId: 1n });
    const names = new Set(events.map((event) => event.name));
    for (const name of [
      'JobPosted',
      'WorkerVolunteered',
      'TrainingStarted',
      'DataKeyDelivered',
      'RoundCommitted',
      'TraceCommitted',
    ])
      expect(names).toContain(name);
    for (const name of [
      'ResultSubmitted',
      'EvaluatorsDrawn',
      'TestKeyPublished',
      'JobCompleted',
      'JobSettled',
    ])
      expect(names).toContain(name);
    const rounds = events.filter((event) => event.name === 'RoundCommitted');
    expect(rounds.map((event) => event.name === 'RoundCommitted' && event.stateCid)).toEqual([
      'cid0',
      'cid1',
    ]);
    const domain = { chainId: await client.chainId(), jobManager: client.contracts.jobManager };
    for (const event of events) {
      if (event.name !== 'ScoreRevealed') continue;
      expect(recoverSigner(scoreDigest(domain, 1n, event.score), event.signature)).toBe(event.evaluator);
    }
  });

  test('explains refusals with the contract’s own error and a remedy', async () => {
    const refusal = await client.completeJob(1n).catch((error: unknown) => error);
    expect(isRevert(refusal, 'JobManagerWrongState')).toBe(true);
    expect(refusal).toMatchObject({ remedy: expect.stringContaining('job') });
    expect(await client.job(99n).catch((error) => isRevert(error, 'JobManagerUnknownJob'))).toBe(true);
    const trace = oneSegment(lastRoot, lastRoot);
    const late = await workers[0]!.commitTrace(1n, 1, trace).catch((error: unknown) => error);
    expect(isRevert(late, 'JobManagerWrongState')).toBe(true);
    const poor = network.marketOf();
    await expect(poor.withdraw()).rejects.toMatchObject({ code: 'NO_SIGNER' });
    expect((await client.job(1n)).testKey).not.toBe(ZERO_HASH);
  });
});

describe('work that seals blocks', () => {
  test('is read from its contract: its terms, its draws and what it has earned', async () => {
    expect(await client.workParameters()).toMatchObject({ interval: 20, drawDelay: 2, ranks: 3 });
    // Jobs that are not provable pay no weight.
    expect(await client.workDraw(20)).toMatchObject({ height: 20, totalWeight: 0n, ranks: [] });
    expect((await client.upcomingDraw())!.height).toBe((await client.height()) + 1);
    expect(await client.workWithdrawable(accountOf(workers[0]!))).toBe(0n);
    const nothing = await workers[0]!.withdrawWork().catch((error: unknown) => error);
    expect(isRevert(nothing, 'UsefulWorkNothingToWithdraw')).toBe(true);
  });

  test('is not there on a chain without its contract', async () => {
    const { usefulWork: _, ...contracts } = network.contracts;
    const market = createMarket({ rpc: network.rpcUrl, contracts, signer: network.privateKeyOf(2) });
    expect(await market.workParameters()).toBeUndefined();
    expect(await market.upcomingDraw()).toBeUndefined();
    expect(await market.workDraw(4)).toBeUndefined();
    expect(await market.workWithdrawable(market.account!)).toBe(0n);
    await expect(market.withdrawWork()).rejects.toMatchObject({ code: 'NO_WORK' });
  });
});

describe('the sender', () => {
  test('numbers concurrent transactions without gaps or repeats', async () => {
    const market = network.marketOf(9);
    const mined = await Promise.all([1n, 2n, 3n, 4n, 5n].map((amount) => market.deposit(amount)));
    expect(new Set(mined.map(({ hash }) => hash)).size).toBe(5);
    expect(await market.stakeOf(market.account!)).toBe(15n);
  });
});
