/** Bundles replayed on threads: what holds is told fast, what does not is decided by the reference kernel. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../core/index.ts';
import { decodeBundle, encodeBundle } from '../../pouw/index.ts';
import { createReplayer } from '../../pouw/replay/index.ts';
import { LIMITS, lazySegment, type Share, trainedShare } from './job.ts';

const replayer = createReplayer(silentLog);
let share: Share;

beforeAll(async () => {
  share = await trainedShare();
});
afterAll(() => replayer.close());

describe('a replayer', () => {
  it('proves a right bundle and refutes a wrong trace, with one digest', async () => {
    const lazy = await lazySegment(share);
    const asked = [
      { bundle: encodeBundle(await share.bundle(1)), claim: share.claim(1) },
      { bundle: encodeBundle(lazy.bundle), claim: lazy.claim },
    ];
    const [right, wrong] = await Promise.all(asked.map((one) => replayer.replay({ ...one, limits: LIMITS })));
    expect(right).toMatchObject({ ok: true, kernelFault: false, steps: 3 });
    expect(wrong).toMatchObject({ ok: false, check: 'replay', kernelFault: false });
    expect('auditDigest' in right! && 'auditDigest' in wrong!).toBe(true);
    if (!('auditDigest' in right!) || !('auditDigest' in wrong!)) return;
    expect(wrong.auditDigest).toEqual(right.auditDigest);
  });

  it('gives up what the reference is at when nobody wants it any more, and goes on', async () => {
    const lazy = await lazySegment(share);
    const request = { bundle: encodeBundle(lazy.bundle), claim: lazy.claim, limits: LIMITS };
    const ended = new AbortController();
    const onDoubt = () => queueMicrotask(() => ended.abort());
    const given = replayer.replay(request, { signal: ended.signal, onDoubt });
    await expect(given).rejects.toMatchObject({ code: 'REPLAY_FAILED', transient: true });
    expect(await replayer.replay(request)).toMatchObject({ ok: false, check: 'replay' });
  });

  it('says of other bytes that they are no bundle of the segment, and goes on', async () => {
    const claim = share.claim(1);
    const noise = await replayer.replay({ bundle: new Uint8Array(99), claim, limits: LIMITS });
    expect(noise).toMatchObject({ ok: false, check: 'document' });
    const other = await replayer.replay({
      ...{ bundle: encodeBundle(await share.bundle(2)), claim, limits: LIMITS },
    });
    expect(other).toMatchObject({ ok: false, check: 'start' });
    const bundle = encodeBundle(await share.bundle(1));
    expect(decodeBundle(bundle, LIMITS.maxBundleBytes).records.length).toBeGreaterThan(0);
    expect(await replayer.replay({ bundle, claim, limits: LIMITS })).toMatchObject({ ok: true });
  });
});
