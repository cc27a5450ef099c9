import { describe, expect, test } from 'vitest';
import type { Clock } from '../../core/index.ts';
import { createCandidates } from '../../net/candidates.ts';
import { forgetSurplus } from '../../net/forget.ts';
import { createPeerScores, createRateLimiter, peerIdOf } from '../../net/index.ts';
import { MAX_CANDIDATES } from '../../net/limits.ts';

function fakeClock(): Clock & { nowMs: number } {
  return {
    nowMs: 1_000_000,
    now() {
      return this.nowMs;
    },
    setTimer: () => ({ cancel() {} }),
  };
}

describe('rate limits', () => {
  test('a burst, then the sustained rate, each sender by itself', () => {
    const rate = createRateLimiter({ perSecond: 2, burst: 3 });
    const taken = (atMs: number, n: number) =>
      Array.from({ length: n }, () => rate.take('a', atMs)).filter(Boolean).length;
    expect(taken(0, 10)).toBe(3);
    expect(taken(1_000, 10)).toBe(2);
    expect(taken(100_000, 10)).toBe(3);
    expect(rate.take('b', 100_000)).toBe(true);
  });

  test('memory is bounded whoever asks', () => {
    const rate = createRateLimiter({ perSecond: 1, burst: 1 }, 2);
    expect(['a', 'b', 'c', 'b'].map((sender) => rate.take(sender, 0))).toEqual([true, true, true, false]);
    expect(rate.take('a', 0)).toBe(true);
  });

  test('a clock that jumps back grants nothing', () => {
    const rate = createRateLimiter({ perSecond: 1, burst: 1 });
    expect(rate.take('a', 5_000)).toBe(true);
    expect(rate.take('a', 0)).toBe(false);
  });
});

describe('peer scores', () => {
  test('do not grow when the clock is set back', () => {
    const clock = fakeClock();
    const scores = createPeerScores(clock);
    scores.penalise('a', 10, 'rude');
    clock.nowMs -= 600_000;
    expect(scores.score('a')).toBe(-10);
    scores.penalise('a', 10, 'rude');
    expect(scores.isBanned('a')).toBe(false);
  });

  test('fall with misdeeds, halve every minute, ban at -100 for five minutes', () => {
    const clock = fakeClock();
    const scores = createPeerScores(clock);
    const banned: string[] = [];
    scores.onBan((peer) => banned.push(peer));
    scores.penalise('a', 50, 'rude');
    clock.nowMs += 60_000;
    expect(scores.score('a')).toBeCloseTo(-25);
    for (let i = 0; i < 8; i++) scores.penalise('a', 10, 'rude');
    expect([banned, scores.isBanned('a'), scores.isBanned('b')]).toEqual([['a'], true, false]);
    clock.nowMs += 5 * 60_000 + 1;
    expect(scores.isBanned('a')).toBe(false);
    expect(scores.score('a')).toBeGreaterThan(-5);
  });
});

describe('candidates', () => {
  test('back off by doubling to 30 s, are forgotten; bootstrap peers never', () => {
    const candidates = createCandidates();
    candidates.add('peer', ['/ip4/127.0.0.1/tcp/1']);
    candidates.add('boot', ['/ip4/127.0.0.1/tcp/2'], true);
    expect(candidates.due(0).map((entry) => entry.key)).toEqual(['boot', 'peer']);
    const waits = Array.from({ length: 8 }, () => candidates.failed('peer', 0)!.notBeforeMs);
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    for (let i = 0; i < 50; i++) {
      candidates.failed('peer', 0);
      candidates.failed('boot', 0);
    }
    expect([candidates.get('peer'), candidates.get('boot')?.failures]).toEqual([undefined, 50]);
    candidates.succeeded('boot', 0);
    expect(candidates.due(0).map((entry) => entry.key)).toEqual(['boot']);
  });

  test('that were there a moment ago are tried twice a second for ten minutes', () => {
    const candidates = createCandidates();
    candidates.add('peer', ['/ip4/127.0.0.1/tcp/1']);
    candidates.succeeded('peer', 0);
    const waits = Array.from({ length: 20 }, () => candidates.failed('peer', 1)!.notBeforeMs - 1);
    expect(new Set(waits)).toEqual(new Set([500]));
    const late = 10 * 60_000;
    const later = Array.from({ length: 8 }, () => candidates.failed('peer', late)!.notBeforeMs - late);
    expect(later.slice(0, 3)).toEqual([16_000, 30_000, 30_000]);
    expect(candidates.get('peer')).toBeDefined();
    candidates.failed('peer', late);
    expect(candidates.get('peer')).toBeUndefined();
  });

  test('that were connected for an hour are tried as soon as they are lost', () => {
    const candidates = createCandidates();
    candidates.add('peer', ['/ip4/127.0.0.1/tcp/1']);
    candidates.succeeded('peer', 0);
    const hour = 60 * 60_000;
    candidates.lost('peer', hour);
    expect(candidates.due(hour).map((entry) => entry.key)).toEqual(['peer']);
    expect(candidates.failed('peer', hour)!.notBeforeMs - hour).toBe(500);
  });

  test('are bounded', () => {
    const candidates = createCandidates();
    for (let i = 0; i < MAX_CANDIDATES + 10; i++) candidates.add(`peer ${i}`, []);
    expect(candidates.due(0).length).toBe(MAX_CANDIDATES);
  });
});

test('a peer id follows from its seed', async () => {
  const seed = new Uint8Array(32).fill(1);
  expect(await peerIdOf(seed)).toBe(await peerIdOf(seed));
  expect(await peerIdOf(seed)).toMatch(/^12D3Koo/);
});

test('peers are remembered by number, connected ones always', async () => {
  const known = new Set(Array.from({ length: 9 }, (_, i) => `peer ${i}`));
  const libp2p = {
    peerStore: {
      all: async () => [...known].map((id) => ({ id })),
      delete: async (id: string) => void known.delete(id),
    },
    getPeers: () => ['peer 0', 'peer 8'],
  } as unknown as Parameters<typeof forgetSurplus>[0];
  await forgetSurplus(libp2p, () => 0, 9);
  expect(known.size).toBe(9);
  await forgetSurplus(libp2p, () => 0, 4);
  expect([...known]).toEqual(['peer 0', 'peer 6', 'peer 7', 'peer 8']);
  await forgetSurplus(libp2p, () => 0, 1);
  expect([...known]).toEqual(['peer 0', 'peer 8']);
});
