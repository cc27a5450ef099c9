import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromHex, type Hex, toHex } from '../../core/index.ts';
import { createEngine, decodeModel, modelHash } from '../../engine/index.ts';
import { arrayData, parseJob, replayJob, scoreModel } from '../../job/index.ts';
import type { JobReceipt } from '../../market/index.ts';
import { until } from '../storage/until.ts';
import {
  type JobNetwork,
  type PostedToy,
  postToyJob,
  REWARD,
  startJobNetwork,
} from '../support/jobNetwork.ts';

const ROUNDS = 3;
let net: JobNetwork;
let posted: PostedToy;
let receipt: JobReceipt;
let first: Hex;

beforeAll(async () => {
  net = await startJobNetwork({ workers: 3, evaluators: 4 });
  const stopWorkers = await Promise.all([0, 1, 2].map((index) => net.runWorker(index)));
  await Promise.all([0, 1, 2, 3].map((index) => net.runEvaluator(index)));
  posted = await postToyJob(
    net,
    { rounds: ROUNDS, stepsPerRound: 6, workers: 3 },
    { change: { roundTimeoutMs: 4_000 } },
  );
  const served = posted.agent.serve(posted.jobId, AbortSignal.timeout(250_000));
  // The slot whose turn it is to submit the result does not live to see it.
  const { market } = net.client;
  await until(async () => (await market.job(posted.jobId)).roundsFixed > 0, 100);
  first = (await market.workersOf(posted.jobId))[ROUNDS % 3]!;
  await stopWorkers[net.workers.findIndex(({ keys }) => keys.evm.address === first)]!();
  receipt = await served;
  // What follows reads from the evaluators' pins alone.
  for (const stop of stopWorkers) await stop();
  await Promise.all(net.workers.map(({ peer }) => peer.stop()));
}, 280_000);

afterAll(() => net.stop());

test('three workers and four evaluators on hosts of their own complete a job', () => {
  expect(receipt).toMatchObject({ state: 'Completed', exit: 'None', rounds: ROUNDS, roundsFixed: ROUNDS });
  expect(receipt.agreeing).toHaveLength(3);
  expect(receipt.agreed.total).toBe(100);
  const { escrow, ...paid } = receipt.payouts;
  expect(escrow).toBe(REWARD);
  expect(Object.values(paid).reduce((sum, amount) => sum + amount, 0n)).toBe(REWARD);
});

test('the result is submitted by another worker when the first in turn is gone', async () => {
  const { market } = net.client;
  const results = await market.events({ fromHeight: 0, jobId: posted.jobId, names: ['ResultSubmitted'] });
  expect(results).toMatchObject([{ worker: expect.not.stringMatching(first) }]);
  expect(receipt.workers).toContain((await market.job(posted.jobId)).submitter);
});

test('replaying the whole job in one process gives the same model and score', async () => {
  const { market } = net.client;
  const job = parseJob(posted.document);
  const engine = await createEngine({ kernel: 'reference' });
  const events = await market.events({ fromHeight: 0, jobId: posted.jobId, names: ['RoundCommitted'] });
  const contributors = events.map((event) =>
    event.name === 'RoundCommitted'
      ? [0, 1, 2].filter((slot) => (event.contributors >> BigInt(slot)) & 1n)
      : [],
  );
  expect(contributors).toHaveLength(ROUNDS);
  const { seed } = await market.job(posted.jobId);
  const { train, test: hidden } = posted;
  const state = await replayJob({
    engine,
    job,
    data: arrayData(train.inputs, train.labels),
    seed: { seed: fromHex(seed), jobId: posted.jobId },
    contributors,
  });
  expect(toHex(modelHash(job.model, state.weights))).toBe(receipt.modelHash);
  const score = scoreModel(engine, job.model, state.weights, hidden);
  expect(receipt.agreed).toMatchObject({ correct: score.correct, outputsRoot: toHex(score.outputsRoot) });
});

test('the model is fetched from the evaluators after all workers have gone', async () => {
  const file = await net.client.peer.content.getBytes(receipt.modelCid, { maxBytes: 1_000_000 });
  const { model, weights } = decodeModel(file);
  expect(toHex(modelHash(model, weights))).toBe(receipt.modelHash);
});
