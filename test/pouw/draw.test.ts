/** Which traces are opened: proportional to the money burned, without replacement, and nobody's choice. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sha256, uintBytes } from '../../core/index.ts';
import { drawWork, type WeighedTrace } from '../../pouw/index.ts';

const trace = (weight: bigint, i: number): WeighedTrace => ({
  weight,
  traceRoot: sha256(uintBytes(i, 4)),
  segments: 1 + (i % 7),
});
const beaconOf = (i: number) => sha256(uintBytes(i, 8));

it('draws distinct traces with weight, and segments that exist', () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 0n, max: 10n ** 24n }), { maxLength: 12 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.integer({ min: 1, max: 4 }),
      (weights, beacon, ranks) => {
        const traces = weights.map(trace);
        const drawn = drawWork({ chainId: 7n, beacon: beaconOf(beacon), traces, ranks });
        const weighty = weights.filter((weight) => weight > 0n).length;
        expect(drawn).toHaveLength(Math.min(ranks, weighty));
        expect(new Set(drawn.map(({ index }) => index)).size).toBe(drawn.length);
        for (const { index, segment } of drawn) {
          expect(traces[index]!.weight > 0n).toBe(true);
          expect(segment).toBeLessThan(traces[index]!.segments);
        }
      },
    ),
  );
});

const WEIGHTS = [1n, 2n, 3n, 10n, 0n, 84n].map((weight) => weight * 10n ** 18n);
const SHARES = [0.01, 0.02, 0.03, 0.1, 0, 0.84];

/** How often each trace was drawn at `rank`. */
function counted(draws: number, rank: number): number[] {
  const traces = WEIGHTS.map(trace);
  const counts = WEIGHTS.map(() => 0);
  for (let i = 0; i < draws; i++) {
    const drawn = drawWork({ chainId: 1n, beacon: uintBytes(i, 32), traces, ranks: rank + 1 });
    counts[drawn[rank]!.index]! += 1;
  }
  return counts;
}

/** Each count within four standard deviations of what it should be. */
function expectFair(counts: readonly number[], shares: readonly number[], draws: number): void {
  counts.forEach((count, i) => {
    const p = shares[i]!;
    expect(Math.abs(count - p * draws)).toBeLessThanOrEqual(4 * Math.sqrt(draws * p * (1 - p)));
  });
}

it('draws the first in proportion to what was burned, over 100 000 draws', () => {
  expectFair(counted(100_000, 0), SHARES, 100_000);
});

it('draws the second in proportion among those that are left', () => {
  const second = SHARES.map((p, i) =>
    SHARES.reduce((sum, q, j) => (i === j || q === 0 ? sum : sum + (q * p) / (1 - q)), 0),
  );
  expectFair(counted(20_000, 1), second, 20_000);
});
