import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256, silentLog, utf8 } from '../../core/index.ts';
import { createTrigger, followHeights, isFinal, type JobReceipt, type Market } from '../../market/index.ts';
import { importDataset } from '../../storage/index.ts';
import { type JobNetwork, postToyJob, startJobNetwork } from '../support/jobNetwork.ts';
import { toyRecords } from '../support/toy.ts';

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
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(400_000)]);
  await followHeights(market, onHeight, { pollMs: 250, log: silentLog, signal });
  return market.jobReceipt(jobId);
}

test('a test set that does not open with the key committed to is called bad, and the worker is paid', async () => {
  const posted = await postToyJob(net, training, { agentKey: sha256(utf8('another key')) });
  const receipt = await posted.agent.serve(posted.jobId, AbortSignal.timeout(400_000));
  expect(receipt).toMatchObject({ state: 'Failed', exit: 'BadTestSet' });
  expect(receipt.agreeing).toHaveLength(3);
  expect(receipt.payouts.workers).toBeGreaterThan(0n);
}, 450_000);

test('a delivered key that does not open is called bad, and the worker is paid', async () => {
  const { jobId } = await postToyJob(net, training, { plainTraining: true });
  const receipt = await serveBadly(net.client.market, jobId);
  expect(receipt).toMatchObject({ state: 'Failed', exit: 'TestKeyAbsent' });
  expect(receipt.payouts.workers).toBeGreaterThan(0n);
}, 450_000);

test('a test set that nobody has is called bad before silence is slashed, and no evaluator loses stake', async () => {
  const { content } = net.client.peer;
  const trainSet = await importDataset(content, toyRecords(480, 'train'), {
    name: 'toy',
    licence: 'CC0-1.0',
  });
  const missing = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
  const data = {
    train: { manifest: trainSet.manifestCid, encrypted: false },
    test: { manifest: missing, encrypted: true as const },
  };
  const deadlines = {
    volunteerBlocks: 30,
    roundBlocks: 400,
    resultBlocks: 400,
    keyBlocks: 100,
    commitBlocks: 60,
    revealBlocks: 100,
  };
  const posted = await postToyJob(net, training, { plainTraining: true, change: { data, deadlines } });
  const receipt = await posted.agent.serve(posted.jobId, AbortSignal.timeout(400_000));
  expect(receipt).toMatchObject({ state: 'Failed', exit: 'BadTestSet' });
  expect(receipt.agreeing).toHaveLength(3);
}, 450_000);
