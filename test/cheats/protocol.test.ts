/** Cheats that are not about money: what the real checks say of copied, shifted, withheld and monstrous work. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/index.ts';
import { isProvable, parseJob, replayGas } from '../../job/index.ts';
import {
  type Bundle,
  decodeBundle,
  encodeBundle,
  statePath,
  traceClaim,
  verifyBundle,
} from '../../pouw/index.ts';
import { LIMITS, type Share, trainedShare } from '../pouw/job.ts';

let share: Share;

beforeAll(async () => {
  share = await trainedShare();
});

describe('the copier and the sybil', () => {
  it('another slot’s states prove nothing for one’s own: its batches are others, in every segment', async () => {
    for (const segment of [0, 1, 2, 3]) {
      const copied = { ...share.claim(segment), slot: 0 };
      const verdict = verifyBundle(share.engine, await share.bundle(segment), copied, { limits: LIMITS });
      expect(verdict).toMatchObject({ ok: false, check: 'records' });
    }
  });
});

describe('wrong end', () => {
  it('a last state that was not computed fails its own segment and no other', async () => {
    const { stateRoots } = await import('../../engine/index.ts');
    const states = share.states.map((state, i) =>
      i === share.states.length - 1 ? { ...share.states[i - 1]!, counter: state.counter } : state,
    );
    const roots = states.map((state) => stateRoots(share.job.model, state).stateRoot);
    const { traceRoot } = traceClaim(roots);
    for (const segment of [0, 1, 2, 3]) {
      const bundle: Bundle = {
        ...(await share.bundle(segment)),
        ...{ startPath: statePath(roots, segment), firstPath: statePath(roots, 0) },
        ...{ endRoot: roots[segment + 1]!, endPath: statePath(roots, segment + 1) },
      };
      const verdict = verifyBundle(
        share.engine,
        bundle,
        { ...share.claim(segment), traceRoot },
        { limits: LIMITS },
      );
      expect(verdict).toMatchObject(segment === 3 ? { ok: false, check: 'replay' } : { ok: true });
    }
  });
});

describe('the bundle withholder', () => {
  it('half a bundle is none: nothing that is left out goes unnoticed', async () => {
    const bundle = await share.bundle(1);
    const bytes = encodeBundle(bundle);
    for (const length of [0, 15, 100, bytes.length >> 1, bytes.length - 1]) {
      expect(() => decodeBundle(bytes.subarray(0, length), LIMITS.maxBundleBytes)).toThrow(/bundle/);
    }
    const without: Partial<Bundle>[] = [
      { records: [] },
      { startPath: [] },
      { endPath: [] },
      { firstPath: [] },
    ];
    for (const part of without) {
      const verdict = verifyBundle(share.engine, { ...bundle, ...part }, share.claim(1), { limits: LIMITS });
      expect(verdict.ok).toBe(false);
    }
  });
});

describe('the slow-document poster', () => {
  /** Fails the test at the first use of the engine. */
  const untouchable = new Proxy({} as Engine, {
    get: () => {
      throw new RangeError('the engine was used');
    },
  });

  it('has its document refused by its figures, before anything is computed', async () => {
    const { document } = share.job;
    const slow = parseJob({
      ...document,
      training: { ...document.training, stepsPerRound: 100_000, segments: 1 },
    });
    expect(replayGas(slow, 1_500)).toBeGreaterThan(LIMITS.maxReplayGas);
    expect(isProvable(slow, 1_500, LIMITS, 0)).toBe(false);
    const tight = { ...LIMITS, maxReplayGas: replayGas(share.job, 1_500) - 1 };
    expect(isProvable(share.job, 1_500, { ...tight, maxReplayGas: tight.maxReplayGas + 1 }, 0)).toBe(true);
    const verdict = verifyBundle(untouchable, await share.bundle(1), share.claim(1), { limits: tight });
    expect(verdict).toMatchObject({ ok: false, check: 'plan' });
  });

  it('cannot lie about its number of segments', async () => {
    const claim = { ...share.claim(1), segments: 4_096 };
    const verdict = verifyBundle(untouchable, await share.bundle(1), claim, { limits: LIMITS });
    expect(verdict).toMatchObject({ ok: false, check: 'plan' });
  });
});
