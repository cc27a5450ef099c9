import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobReceipt, MarketEvent } from '../../market/index.ts';
import { until } from '../storage/until.ts';
import { type JobNetwork, type PostedToy, postToyJob, startJobNetwork } from '../support/jobNetwork.ts';

const ROUNDS = 5;
let net: JobNetwork;
let posted: PostedToy;
let receipt: JobReceipt;
let history: MarketEvent[];

const fixedRounds = async (): Promise<number> => (await net.client.market.job(posted.jobId)).roundsFixed;

/** Who contributed to a round, as slots. */
function contributorsOf(round: number): number[] {
  const event = history.find((one) => one.name === 'RoundCommitted' && one.round === round);
  if (event?.name !== 'RoundCommitted') return [];
  return [0, 1, 2].filter((slot) => (event.contributors >> BigInt(slot)) & 1n);
}

beforeAll(async () => {
  net = await startJobNetwork({ workers: 3, evaluators: 4 });
  const stops = await Promise.all([0, 1, 2].map((index) => net.runWorker(index)));
  const evaluatorStops = await Promise.all([0, 1, 2, 3].map((index) => net.runEvaluator(index)));
  posted = await postToyJob(
    net,
    { rounds: ROUNDS, stepsPerRound: 4, workers: 3 },
    { change: { roundTimeoutMs: 6_000 } },
  );
  const served = posted.agent.serve(posted.jobId, AbortSignal.timeout(280_000));
  // A worker goes away in the middle, and comes back once a round was fixed without it.
  await until(async () => (await fixedRounds()) >= 1, 200);
  await stops[2]!();
  const without = (await fixedRounds()) + 2;
  await until(async () => (await fixedRounds()) >= without, 200);
  await net.runWorker(2);
  // Every evaluator that has committed is stopped before the reveal, and started again.
  await until(async () => net.events.some(({ type }) => type === 'committed'), 100);
  const drawn = await net.client.market.evaluatorsOf(posted.jobId);
  const index = net.evaluators.findIndex(({ keys }) => keys.evm.address === drawn[0]);
  await evaluatorStops[index]!();
  await net.runEvaluator(index);
  receipt = await served;
  history = await net.client.market.events({ fromHeight: 0, jobId: posted.jobId });
}, 300_000);

afterAll(() => net.stop());

test('a worker that goes away is left out, and contributes again after it came back', () => {
  const slot = receipt.workers.indexOf(net.workers[2]!.keys.evm.address);
  const took = Array.from({ length: ROUNDS }, (_, round) => contributorsOf(round).includes(slot));
  expect(took[0]).toBe(true);
  expect(took).toContain(false);
  expect(took.lastIndexOf(true)).toBeGreaterThan(took.indexOf(false));
});

test('no fixed round is lost and the job completes', () => {
  expect(receipt).toMatchObject({ state: 'Completed', roundsFixed: ROUNDS });
});

test('an evaluator restarted around its commitment reveals what it committed', () => {
  expect(receipt.agreeing).toHaveLength(3);
});
