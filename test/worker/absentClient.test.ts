import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../core/index.ts';
import { EVALUATOR_ROLE, enrol, type JobReceipt } from '../../market/index.ts';
import { until } from '../storage/until.ts';
import { type JobNetwork, postToyJob, REWARD, startJobNetwork } from '../support/jobNetwork.ts';
import { TRAIN } from '../support/marketChain.ts';
import { tracesOnChain, wagesCredited, wagesDue } from '../support/wages.ts';

const training = { rounds: 2, stepsPerRound: 1, workers: 1 };
const deadlines = {
  volunteerBlocks: 200,
  roundBlocks: 300,
  resultBlocks: 300,
  keyBlocks: 300,
  commitBlocks: 300,
  revealBlocks: 300,
};
let net: JobNetwork;

const workerStake = () => net.client.market.freeStakeOf(net.workers[0]!.keys.evm.address);

/** Past the deadline of the present step. */
async function missDeadline(jobId: bigint): Promise<void> {
  const { market } = net.client;
  const { deadline } = await market.job(jobId);
  await net.network.chain.mine(deadline + 1 - (await market.height()));
}

/** Posts a job whose client does nothing else, and waits until its worker was assigned. */
async function postAndLeave(plainTraining: boolean): Promise<bigint> {
  const { market } = net.client;
  const volunteered = net.events.filter(({ type }) => type === 'volunteered').length;
  const { jobId } = await postToyJob(net, training, { plainTraining, change: { deadlines } });
  await until(() => net.events.filter(({ type }) => type === 'volunteered').length > volunteered);
  await missDeadline(jobId);
  await until(async () => (await market.job(jobId)).state !== 'Open', 200);
  return jobId;
}

async function settled(jobId: bigint): Promise<JobReceipt> {
  const { market } = net.client;
  await until(async () => (await market.job(jobId)).state === 'Failed', 200);
  return market.jobReceipt(jobId);
}

beforeAll(async () => {
  net = await startJobNetwork({ workers: 1, evaluators: 0, reserves: 4 });
  await net.runWorker(0);
  // Evaluators that stand in the registry and never act.
  await Promise.all(
    net.reserves.map(({ keys, market }, index) => {
      const readerKey = keys.reader.publicKey;
      const peerId = Uint8Array.of(index);
      return enrol(
        market,
        { roles: EVALUATOR_ROLE, bands: 0, readerKey, peerId, stake: 10n * TRAIN },
        silentLog,
      );
    }),
  );
}, 120_000);

afterAll(() => net.stop());

test('a client that never delivers the data key gets its escrow back at the deadline, and frees the stake', async () => {
  const jobId = await postAndLeave(false);
  await missDeadline(jobId);
  const receipt = await settled(jobId);
  expect(receipt).toMatchObject({ exit: 'WorkersAbsent', roundsFixed: 0 });
  expect(receipt.payouts).toMatchObject({ refund: REWARD, workers: 0n });
  await until(async () => (await workerStake()) === 20n * TRAIN);
}, 200_000);

test('a client that never delivers the test key pays all rounds, and costs no evaluator its stake', async () => {
  const { market } = net.client;
  const jobId = await postAndLeave(true);
  await until(async () => (await market.job(jobId)).phase === 'Keys', 200);
  await missDeadline(jobId);
  const receipt = await settled(jobId);
  expect(receipt).toMatchObject({ exit: 'TestKeyAbsent', roundsFixed: 2 });
  const due = wagesDue(receipt, await tracesOnChain(market, jobId));
  expect(due.get(net.workers[0]!.keys.evm.address)).toBeGreaterThan(0n);
  expect(await wagesCredited(market, jobId, due.keys())).toEqual(due);
  for (const { keys } of net.reserves) expect(await market.freeStakeOf(keys.evm.address)).toBe(10n * TRAIN);
  expect(await workerStake()).toBe(20n * TRAIN);
}, 200_000);
