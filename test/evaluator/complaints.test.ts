import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256, silentLog, utf8 } from '../../core/index.ts';
import { createTrigger, followHeights, isFinal, type JobReceipt, type Market } from '../../market/index.ts';
import { type JobNetwork, postToyJob, startJobNetwork } from '../support/jobNetwork.ts';

const training = { rounds: 1, stepsPerRound: 1, workers: 1 };
let net: JobNetwork;

beforeAll(async () => {
  net = await startJobNetwork({ workers: 1, evaluators: 4 });
  await net.runWorker(0);
  await Promise.all([0, 1, 2, 3].map((index) => net.runEvaluator(index)));
}, 120_000);

afterAll(() => net.stop());

/** A client that hands every evaluator the same worthless bytes for a key. */
async function serveBadly(market: Market, jobId: bigint): Promise<JobReceipt> {
  const trigger = createTrigger(market, silentLog);
  const stop = new AbortController();
  const onHeight = async (height: number): Promise<void> => {
    const job = await market.job(jobId);
    if (isFinal(job.state)) return stop.abort();
    if (job.phase === 'Keys') {
      for (const evaluator of await market.evaluatorsOf(jobId)) {
        const { keyDelivered } = await market.evaluationOf(jobId, evaluator);
        if (!keyDelivered) await market.deliverTestKey(jobId, evaluator, '0x1234');
      }
    }
    await trigger({ job, height, pending: 1, turn: 0 });
  };
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(200_000)]);
  await followHeights(market, onHeight, { pollMs: 250, log: silentLog, signal });
  return market.jobReceipt(jobId);
}

test('a test set that does not open with the key committed to is called bad, and the worker is paid', async () => {
  const posted = await postToyJob(net, training, { agentKey: sha256(utf8('another key')) });
  const receipt = await posted.agent.serve(posted.jobId, AbortSignal.timeout(200_000));
  expect(receipt).toMatchObject({ state: 'Failed', exit: 'BadTestSet' });
  expect(receipt.agreeing).toHaveLength(3);
  expect(receipt.payouts.workers).toBeGreaterThan(0n);
}, 250_000);

test('a delivered key that does not open is called bad, and the worker is paid', async () => {
  const { jobId } = await postToyJob(net, training, { plainTraining: true });
  const receipt = await serveBadly(net.client.market, jobId);
  expect(receipt).toMatchObject({ state: 'Failed', exit: 'TestKeyAbsent' });
  expect(receipt.payouts.workers).toBeGreaterThan(0n);
}, 250_000);
