/**
 * Bundles that lie, verified: each gets a verdict, none proves anything, and memory stays where it is.
 * `WORK_FUZZ_INPUTS=100000 FUZZ_SEED=7 npx vitest run test/fuzz/work.test.ts` for a long run.
 */
import { expect, test } from 'vitest';
import { equalBytes, FedaiError } from '../../core/index.ts';
import { decodeBundle, encodeBundle, type Verified, verifyBundle } from '../../pouw/index.ts';
import { LIMITS, lazySegment, trainedShare } from '../pouw/job.ts';
import { type Honest, lieOf } from './bundles.ts';
import { random } from './mutate.ts';
import { SEED } from './subject.ts';

const INPUTS = Number(process.env.WORK_FUZZ_INPUTS ?? 400);
/** Far above what verifying a toy's segment takes on any machine. */
const MAX_INPUT_MS = 20_000;
/** Far above the toy job, far below what piles up when every input leaves something. */
const MAX_GROWTH_BYTES = 384 * 2 ** 20;

const memory = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

test(`${INPUTS} lying bundles get a verdict each`, { timeout: 60_000 + INPUTS * 200 }, async () => {
  const share = await trainedShare();
  const lazy = await lazySegment(share);
  const honest: Honest[] = [{ bundle: lazy.bundle, claim: lazy.claim }];
  for (const segment of [0, 1, 2, 3])
    honest.push({ bundle: await share.bundle(segment), claim: share.claim(segment) });
  const truths = honest.map(({ bundle }) => encodeBundle(bundle));
  const verdicts = new Map<string, number>();
  const before = memory();
  for (let i = 0; i < INPUTS; i++) {
    const lie = await lieOf(random(Math.imul(SEED, 0x9e3779b1) ^ i), honest);
    const started = performance.now();
    const verdict = verdictOn(lie);
    if (performance.now() - started > MAX_INPUT_MS) expect.fail(`FUZZ_SEED=${SEED}, input ${i}: too slow`);
    const name = verdict === undefined ? 'no bundle' : verdict.ok ? 'ok' : verdict.check;
    verdicts.set(name, (verdicts.get(name) ?? 0) + 1);
    const isTrue = truths.some((truth) => equalBytes(truth, lie.bytes));
    if (verdict?.ok && !isTrue && !lie.isPosted)
      expect.fail(`FUZZ_SEED=${SEED}, input ${i}: a lie is proven`);
  }
  process.stdout.write(`work fuzz: FUZZ_SEED=${SEED}: ${INPUTS} ${JSON.stringify([...verdicts])}\n`);
  expect(memory() - before).toBeLessThan(MAX_GROWTH_BYTES);
  expect(verdicts.size).toBeGreaterThan(5);

  function verdictOn({ bytes, claim }: { bytes: Uint8Array; claim: Honest['claim'] }): Verified | undefined {
    try {
      return verifyBundle(share.engine, decodeBundle(bytes, LIMITS.maxBundleBytes), claim, {
        limits: LIMITS,
      });
    } catch (error) {
      if (error instanceof FedaiError && error.code === 'BAD_BUNDLE') return undefined;
      throw error;
    }
  }
});
