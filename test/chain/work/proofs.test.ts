/** Announced bundles under attack: bounded in number, and whoever has the right one gets through. */
import { afterEach, describe, expect, it } from 'vitest';
import { createAttempts } from '../../../chain/work/attempts.ts';
import { type Announcer, createProofs, type Proofs } from '../../../chain/work/proofs.ts';
import type { Target } from '../../../chain/work/target.ts';
import { FedaiError, type Hex, silentLog } from '../../../core/index.ts';
import { createPeerScores } from '../../../net/index.ts';
import type { SegmentClaim } from '../../../pouw/index.ts';
import type { Replayer, ReplayOutcome } from '../../../pouw/replay/index.ts';
import { until } from '../../storage/until.ts';

const claim = { jobId: 1n, round: 0, slot: 0, segment: 2 } as SegmentClaim;
const targetOf = (id: number, isCase = true): Target => ({ key: `case/${id}`, isCase, claim, parties: [] });
const ANYBODY: Hex = `0x${'11'.repeat(20)}`;
const stranger = (peer: string): Announcer => ({ peer, account: ANYBODY, standing: 0 });
const party = (n: number, peer = 'relay'): Announcer => ({
  peer,
  standing: n === 0 ? 2 : 1,
  account: `0x${n.toString(16).padStart(40, '0')}`,
});
const digest = new Uint8Array(32).fill(3);
const proved = { ok: true, modelHash: digest, steps: 3, samples: 9, auditDigest: digest } as const;
const refuted = { ok: false, check: 'replay', reason: 'elsewhere', auditDigest: digest } as const;
const unfit = { ok: false, check: 'end', reason: 'not of the trace' } as const;

/** Bundles by their id: 'right' and 'guilty' replay so, 'wrong…' is no bundle of the segment, 'lost…' nobody has. */
function world() {
  let reading = 0;
  let mostReading = 0;
  const content = {
    async getBytes(cid: string, { signal }: { signal?: AbortSignal }) {
      mostReading = Math.max(mostReading, ++reading);
      try {
        if (cid.startsWith('lost'))
          await new Promise((_, reject) => signal!.addEventListener('abort', reject));
        if (cid === 'gone') throw new FedaiError('CONTENT_NOT_FOUND', 'gone', {}, { transient: true });
        return new TextEncoder().encode(cid);
      } finally {
        reading -= 1;
      }
    },
  };
  let replays = 0;
  const judging = Promise.withResolvers<void>();
  const replayer: Replayer = {
    warm: () => {},
    async replay({ bundle }, options): Promise<ReplayOutcome> {
      replays += 1;
      const name = new TextDecoder().decode(bundle);
      const told = { ms: 1, kernelFault: false };
      if (name === 'right') return { ...proved, ...told };
      if (name !== 'guilty') return { ...unfit, ...told };
      options?.onDoubt?.();
      await judging.promise;
      return { ...refuted, ...told };
    },
    close: async () => undefined,
  };
  const scores = createPeerScores();
  const proofs: Proofs = createProofs({
    peer: { content, scores } as unknown as Parameters<typeof createProofs>[0]['peer'],
    ...{ replayer, log: silentLog, onReplay: () => undefined },
    limits: { maxReplayGas: 1, maxBundleBytes: 1 },
  });
  return {
    proofs,
    scores,
    judging,
    reading: () => ({ now: reading, most: mostReading }),
    replays: () => replays,
  };
}

let here: ReturnType<typeof world>;
afterEach(() => here.proofs.keepOnly([]));

describe('announced bundles', () => {
  it('settle a case either way, an opening only when they prove it', async () => {
    here = world();
    const { proofs, judging } = here;
    judging.resolve();
    expect(await proofs.prove(targetOf(1), 'right', stranger('a'))).toMatchObject({ outcome: { ok: true } });
    expect(await proofs.prove(targetOf(2), 'guilty', stranger('a'))).toMatchObject({
      outcome: { check: 'replay' },
    });
    expect(await proofs.prove(targetOf(3, false), 'guilty', stranger('a'))).toBeUndefined();
    expect(await proofs.prove(targetOf(4), 'wrong', stranger('a'))).toBeUndefined();
    expect(proofs.held(targetOf(4))).toBeUndefined();
    expect(proofs.held(targetOf(1))).toMatchObject({ bundle: 'right' });
  });

  it('that are wrong cost who brings them, twice for one case and no more; others still get through', async () => {
    here = world();
    const { proofs, scores, replays } = here;
    for (let i = 0; i < 10; i++) await proofs.prove(targetOf(1), `wrong ${i}`, stranger('liar'));
    expect(replays()).toBe(2);
    expect(scores.score('liar')).toBeLessThan(-35);
    for (let i = 0; i < 100; i++) await proofs.prove(targetOf(1), `wrong too ${i}`, stranger(`sybil ${i}`));
    expect(await proofs.prove(targetOf(1), 'right', stranger('worker'))).toMatchObject({ bundle: 'right' });
    expect(scores.score('worker')).toBe(0);
  });

  it('that nobody has cannot keep out the one that somebody has', async () => {
    here = world();
    const { proofs, reading, scores } = here;
    for (let i = 0; i < 500; i++) void proofs.prove(targetOf(1 + (i % 24)), `lost ${i}`, stranger('flooder'));
    expect(reading().most).toBeLessThanOrEqual(32);
    await until(() => reading().now <= 16, 1);
    const innocent = targetOf(7);
    const proof = proofs.prove(innocent, 'right', stranger('worker'));
    // Who has the most makes room for himself.
    for (let i = 0; i < 500; i++) void proofs.prove(targetOf(7), `lost again ${i}`, stranger('flooder'));
    expect(await proof).toMatchObject({ bundle: 'right' });
    expect(scores.score('worker')).toBe(0);
  });

  it("that many peers tell cannot keep out a party's, nor other parties' the worker's own", async () => {
    here = world();
    const { proofs, reading, scores } = here;
    for (let i = 0; i < 500; i++)
      void proofs.prove(targetOf(1 + (i % 24), false), `lost ${i}`, stranger(`sybil ${i}`));
    await until(() => reading().now <= 16, 1);
    const open = [0, 1].map((n) => proofs.prove(targetOf(7 + n), 'right', party(n)));
    for (let i = 0; i < 100; i++)
      void proofs.prove(targetOf(1, false), `lost again ${i}`, stranger(`sybil too ${i}`));
    expect(await Promise.all(open)).toMatchObject([{ bundle: 'right' }, { bundle: 'right' }]);
    for (let i = 0; i < 64; i++) void proofs.prove(targetOf(30 + (i % 24)), `lost ${i}`, party(1 + i));
    await until(() => reading().now <= 16, 1);
    // Each accuser has one under way, the accused more: his are not those that give way.
    const kept = Array.from({ length: 8 }, (_, i) =>
      proofs.prove(targetOf(60 + i), `lost own ${i}`, party(0)),
    );
    let given = 0;
    for (const one of kept) void one.then(() => given++);
    for (let i = 0; i < 64; i++) void proofs.prove(targetOf(30 + (i % 24)), `lost more ${i}`, party(101 + i));
    await until(() => reading().now <= 16, 1);
    expect(given).toBe(0);
    expect(scores.score('relay')).toBe(0);
  });

  it('that are wrong use up the tries of the party that signed them, whoever passes them on', async () => {
    here = world();
    const { proofs, replays } = here;
    for (let i = 0; i < 6; i++) await proofs.prove(targetOf(1), `wrong ${i}`, party(1, `peer ${i}`));
    expect(replays()).toBe(2);
    expect(await proofs.prove(targetOf(1), 'right', party(0, 'peer 1'))).toMatchObject({ bundle: 'right' });
  });

  it('are tried again when they were not to be had', async () => {
    here = world();
    expect(await here.proofs.prove(targetOf(1), 'gone', stranger('a'))).toBeUndefined();
    expect(await here.proofs.prove(targetOf(1), 'gone', stranger('a'))).toBeUndefined();
    expect(here.scores.score('a')).toBe(0);
  });

  it('that the reference has to judge leave room for others', async () => {
    here = world();
    const { proofs, judging } = here;
    const judged: Promise<unknown>[] = [];
    for (let i = 0; i < 24; i++) {
      judged.push(proofs.prove(targetOf(i), 'guilty', stranger('a')));
      await until(() => here.replays() === i + 1, 1);
    }
    expect(await proofs.prove(targetOf(99), 'right', stranger('b'))).toMatchObject({ bundle: 'right' });
    judging.resolve();
    for (const one of await Promise.all(judged)) expect(one).toMatchObject({ outcome: { ok: false } });
  });

  it('that a proposal waits for are never given up', async () => {
    here = world();
    const { proofs } = here;
    let ended = false;
    void proofs.prove(targetOf(1), 'lost proposal').finally(() => {
      ended = true;
    });
    for (let i = 0; i < 300; i++) void proofs.prove(targetOf(1), `lost ${i}`, stranger('flooder'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    proofs.keepOnly([]);
    await until(() => ended, 5);
  });
});

describe('attempts', () => {
  it('are joined by who names the same bundle', async () => {
    here = world();
    const attempts = createAttempts<number>();
    let started = 0;
    const start = async () => ++started;
    const name = { key: 'case/1', bundle: 'b', from: 'a' };
    expect(await Promise.all([attempts.join(name, start), attempts.join(name, start)])).toEqual([1, 1]);
    expect(await attempts.join(name, start)).toBe(2);
  });
});
