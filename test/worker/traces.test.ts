/** What a worker shows of a trace whose states it has lost: trained again, its bundles are the same bytes and prove the segment. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256, toHex, utf8 } from '../../core/index.ts';
import { decodeBundle, encodeBundle, verifyBundle } from '../../pouw/index.ts';
import type { Assignment } from '../../worker/context.ts';
import { openHasher } from '../../worker/hasher.ts';
import { makeBundle, remakeTrace, type Trace } from '../../worker/traces.ts';
import { openTrainer } from '../../worker/trainer.ts';
import { LIMITS, type Share, trainedShare } from '../pouw/job.ts';

const PLACE = { jobId: 5n, seed: sha256(utf8('restart')), slot: 1 };
const { signal } = new AbortController();
let share: Share;
let assignment: Assignment;
let remade: Trace;

const remake = (committed: Uint8Array): Promise<Trace> =>
  remakeTrace(assignment, 0, (second) => second.trainer.initial(), committed, signal);

beforeAll(async () => {
  share = await trainedShare(PLACE);
  const { job, dataset } = share;
  const [jobId, seed] = [PLACE.jobId, toHex(PLACE.seed)];
  const trainer = await openTrainer({ document: job.document, seed, jobId });
  const hasher = openHasher(job.document.model);
  assignment = { ...{ jobId, seed, job, dataset, trainer, hasher }, slot: PLACE.slot, workers: [] };
  remade = await remake(share.claim(0).traceRoot);
}, 120_000);
afterAll(() => Promise.all([assignment.trainer.close(), assignment.hasher.close()]));

test('bundles are the same as before the restart, and prove their segments', async () => {
  for (const segment of [0, 3]) {
    const bytes = await makeBundle(assignment, remade, segment);
    expect(toHex(sha256(bytes))).toBe(toHex(sha256(encodeBundle(await share.bundle(segment)))));
    const bundle = decodeBundle(bytes, LIMITS.maxBundleBytes);
    const verified = verifyBundle(share.engine, bundle, share.claim(segment), { limits: LIMITS });
    expect(verified).toMatchObject({ ok: true });
  }
});

test('a trace that was committed with another root is not shown', async () => {
  await expect(remake(sha256(utf8('another')))).rejects.toMatchObject({ code: 'BAD_TRACE' });
  await expect(makeBundle(assignment, { ...remade, states: undefined }, 0)).rejects.toMatchObject({
    code: 'NO_STATES',
  });
});
