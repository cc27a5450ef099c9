/** One segment from public bytes alone: an honest bundle passes every check, and each lie fails at its own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeState } from '../../engine/index.ts';
import {
  type Bundle,
  CHECKS,
  type CheckName,
  decodeBundle,
  encodeBundle,
  type SegmentClaim,
  verifyBundle,
} from '../../pouw/index.ts';
import { LIMITS, lazySegment, POSTED_AT, type Share, trainedShare } from './job.ts';

let share: Share;
let bundle: Bundle;

beforeAll(async () => {
  share = await trainedShare();
  bundle = await share.bundle(2);
});

const verify = (given: Partial<Bundle>, claim: Partial<SegmentClaim> = {}, limits = LIMITS) =>
  verifyBundle(share.engine, { ...bundle, ...given }, { ...share.claim(2), ...claim }, { limits });

describe('an honest bundle', () => {
  it('passes every check in order, for every segment and also from its wire form', async () => {
    for (const segment of [0, 1, 2, 3]) {
      const made = await share.bundle(segment);
      const again = decodeBundle(encodeBundle(made), LIMITS.maxBundleBytes);
      expect(again).toEqual(made);
      const passed: CheckName[] = [];
      const onCheck = (check: CheckName) => void passed.push(check);
      const verified = verifyBundle(share.engine, again, share.claim(segment), { limits: LIMITS, onCheck });
      expect(verified).toMatchObject({ ok: true, steps: segment === 3 ? 1 : 3 });
      expect(passed).toEqual(CHECKS);
    }
  });

  it('passes in a later round, whose first state the chain has fixed', async () => {
    const first = share.states.at(-1)!;
    const later = await trainedShare({ round: 1 }, { ...first, counter: 10 });
    const made = await later.bundle(1);
    expect(verifyBundle(later.engine, made, later.claim(1), { limits: LIMITS }).ok).toBe(true);
  });
});

describe('a lie fails at its own check', () => {
  const flipped = (bytes: Uint8Array, at = bytes.length - 3) =>
    bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const lies: Record<string, [CheckName, () => Partial<Bundle>, Partial<SegmentClaim>?]> = {
    'another document': ['document', () => ({ document: flipped(bundle.document) })],
    'a document of another number of segments': ['plan', () => ({}), { segments: 5 }],
    'a round beyond the plan': ['plan', () => ({}), { round: 3 }],
    'a slot beyond the plan': ['plan', () => ({}), { slot: 2 }],
    'another manifest': ['plan', () => ({ manifest: flipped(bundle.manifest) })],
    'another start state': ['start', () => ({ startState: flipped(bundle.startState) })],
    'a start state of another place': ['start', () => ({ startState: encodeState(share.states[1]!) })],
    'a trace that begins elsewhere': ['start', () => ({ firstPath: bundle.startPath })],
    'a record left out': ['records', () => ({ records: bundle.records.slice(1) })],
    'a record of another batch': [
      'records',
      () => ({ records: bundle.records.map((one, i) => (i === 0 ? { ...one, index: one.index ^ 1 } : one)) }),
    ],
    'a record changed': [
      'records',
      () => ({
        records: bundle.records.map((one, i) => (i === 5 ? { ...one, bytes: flipped(one.bytes) } : one)),
      }),
    ],
    'a label changed': [
      'records',
      () => ({
        records: bundle.records.map((one, i) =>
          i === 5 ? { ...one, bytes: flipped(one.bytes, one.bytes.length - 1) } : one,
        ),
      }),
    ],
    'another end': ['end', () => ({ endRoot: flipped(bundle.endRoot) })],
    'another seed': ['start', () => ({}), { seed: new Uint8Array(32) }],
    'another slot': ['records', () => ({}), { slot: 0 }],
  };
  for (const [name, [check, given, claim]] of Object.entries(lies)) {
    it(name, () => expect(verify(given(), claim)).toMatchObject({ ok: false, check }));
  }

  it('work that was not done', async () => {
    const skipped = await trainedShare();
    const lazy = await lazySegment(skipped);
    const other = verifyBundle(skipped.engine, lazy.bundle, lazy.claim, { limits: LIMITS });
    expect(other).toMatchObject({ ok: false, check: 'replay' });
    const honest = verifyBundle(skipped.engine, await skipped.bundle(1), skipped.claim(1), {
      limits: LIMITS,
    });
    // The computation is the same; only the end that was claimed is another.
    const trueDigest = honest.ok ? honest.auditDigest : undefined;
    expect(other).toMatchObject({ auditDigest: trueDigest });
  });

  it('a segment beyond the limits of the chain', () => {
    // A numeric format that came into force after the job was posted has no weight, with the next block it has.
    const formats = { 'bfp12@1': POSTED_AT + 1 };
    expect(verify({}, {}, { ...LIMITS, formats })).toMatchObject({ ok: false, check: 'plan' });
    expect(verify({}, { postedAt: POSTED_AT + 1 }, { ...LIMITS, formats }).ok).toBe(true);
    expect(verify({}, {}, { ...LIMITS, maxReplayGas: 1_000 })).toMatchObject({ ok: false, check: 'plan' });
    expect(verify({}, {}, { ...LIMITS, maxBundleBytes: 1_000 })).toMatchObject({ ok: false, check: 'plan' });
  });
});
