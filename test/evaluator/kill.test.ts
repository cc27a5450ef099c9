import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromHex, type Hex, sha256, silentLog, toHex, utf8, wrapKey } from '../../core/index.ts';
import { EVALUATOR_ROLE, enrol, type JobReceipt, keyContext } from '../../market/index.ts';
import { until } from '../storage/until.ts';
import {
  type JobNetwork,
  type PostedToy,
  postToyJob,
  type Reserve,
  startJobNetwork,
  TOY_TEST_KEY,
} from '../support/jobNetwork.ts';
import { TRAIN } from '../support/marketChain.ts';
import { tracesOnChain, wagesCredited, wagesDue } from '../support/wages.ts';

const STAKE = 100n * TRAIN;
let net: JobNetwork;
let posted: PostedToy;
let receipt: JobReceipt;
let firstDraw: Hex[];
let secondDraw: Hex[];

/** Enough for a second draw without those of the first. */
const POOL = 7;

const reserveOf = (account: Hex): Reserve => net.reserves.find(({ keys }) => keys.evm.address === account)!;
const evaluation = (account: Hex) => net.client.market.evaluationOf(posted.jobId, account);

async function join({ keys, market }: Reserve, index: number): Promise<void> {
  const wish = {
    roles: EVALUATOR_ROLE,
    bands: 0,
    readerKey: keys.reader.publicKey,
    peerId: Uint8Array.of(index),
    stake: STAKE,
  };
  await enrol(market, wish, silentLog);
}

/** The client's part for one evaluator alone, so that it commits while nobody can reveal yet. */
async function deliverTo(account: Hex): Promise<void> {
  const { market } = net.client;
  const domain = { chainId: await market.chainId(), jobManager: market.contracts.jobManager };
  const context = keyContext('test', domain, posted.jobId, account);
  const wrapped = await wrapKey(reserveOf(account).keys.reader.publicKey, TOY_TEST_KEY, context);
  await market.deliverTestKey(posted.jobId, account, toHex(wrapped));
}

/** Runs an evaluator's process until its commitment is mined, then kills it. */
async function commitAndDie(account: Hex): Promise<void> {
  const party = reserveOf(account).run('evaluator');
  await until(async () => fromHex((await evaluation(account)).commitment).some((byte) => byte > 0), 200);
  await party.kill();
}

async function drawnIn(attempt: number): Promise<Hex[]> {
  const { market } = net.client;
  await until(async () => {
    const job = await market.job(posted.jobId);
    return job.attempt === attempt && job.phase === 'Keys';
  }, 200);
  return market.evaluatorsOf(posted.jobId);
}

/** Past the deadline of the present step, however many blocks that takes. */
async function missDeadline(): Promise<void> {
  const { market } = net.client;
  const { deadline } = await market.job(posted.jobId);
  await net.network.chain.mine(deadline + 1 - (await market.height()));
}

/** Another agent each time, as after a restart of the client. */
function client(): () => Promise<void> {
  const away = new AbortController();
  const served = posted.agent.serve(posted.jobId, away.signal).catch(() => {});
  return async () => {
    away.abort();
    await served;
  };
}

async function open(): Promise<void> {
  net = await startJobNetwork({ workers: 1, evaluators: 0, reserves: POOL });
  const { market } = net.client;
  await Promise.all(net.reserves.map(join));
  await net.runWorker(0);
  const deadlines = {
    volunteerBlocks: 200,
    roundBlocks: 300,
    resultBlocks: 300,
    keyBlocks: 300,
    commitBlocks: 300,
    revealBlocks: 300,
  };
  const training = { rounds: 1, stepsPerRound: 1, workers: 1 };
  posted = await postToyJob(net, training, { plainTraining: true, change: { deadlines } });
  await until(() => net.events.some(({ type }) => type === 'volunteered'));
  await missDeadline();

  firstDraw = await drawnIn(1);
  await deliverTo(firstDraw[0]!);
  await commitAndDie(firstDraw[0]!);
  let clientEnds = client();
  // The other two commit to what nobody can open, and are never heard of again.
  for (const account of firstDraw.slice(1)) {
    await until(async () => (await evaluation(account)).keyDelivered, 200);
    await reserveOf(account).market.commitScore(posted.jobId, toHex(sha256(utf8('nothing'))));
  }
  await clientEnds();
  await missDeadline();

  secondDraw = await drawnIn(2);
  const [back, steady, silent] = secondDraw as [Hex, Hex, Hex];
  await deliverTo(back);
  await commitAndDie(back);
  // It comes back on an empty disk, in time to reveal.
  await rm(reserveOf(back).dataDir, { recursive: true });
  reserveOf(back).run('evaluator');
  clientEnds = client();
  // Another comes back on its own disk.
  await commitAndDie(steady);
  reserveOf(steady).run('evaluator');
  await until(async () => (await evaluation(silent)).keyDelivered, 200);
  await missDeadline();
  await until(async () => (await market.job(posted.jobId)).state === 'Completed', 200);
  await clientEnds();
  receipt = await market.jobReceipt(posted.jobId);
}

beforeAll(open, 600_000);
afterAll(() => net.stop());

test('evaluators that are killed after their commitment and stay away are replaced, once', () => {
  expect(receipt.evaluators).toEqual(secondDraw);
  expect(secondDraw.filter((account) => firstDraw.includes(account))).toEqual([]);
});

test('those that come back reveal what they committed, one of them on an empty disk', () => {
  expect(receipt).toMatchObject({ state: 'Completed', agreed: { total: 100 } });
  expect(receipt.agreeing).toEqual(secondDraw.slice(0, 2));
});

test('those that stayed away lose their share of the stake, and nobody else does', async () => {
  const { market } = net.client;
  const { minEvaluatorStake, evaluatorSlashBps } = await market.parameters();
  const absent = [...firstDraw, secondDraw[2]!];
  for (const { keys } of net.reserves) {
    const account = keys.evm.address;
    const slashed = absent.includes(account) ? (minEvaluatorStake * BigInt(evaluatorSlashBps)) / 10_000n : 0n;
    expect(await market.stakeOf(account)).toBe(STAKE - slashed);
    expect(await market.freeStakeOf(account)).toBe(STAKE - slashed);
  }
});

test('everyone is paid to the wei', async () => {
  const { market } = net.client;
  const due = wagesDue(receipt, await tracesOnChain(market, posted.jobId));
  expect(await wagesCredited(market, posted.jobId, due.keys())).toEqual(due);
});
