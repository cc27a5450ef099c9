/** Seeded randomness for schedules that draw often: SplitMix32 (period 2³²), some ten times cheaper than core's. */
import type { SeededRandom } from '../../../core/index.ts';

export function cheapRandom(seed: number): SeededRandom {
  let state = Math.imul(seed ^ Math.floor(seed / 2 ** 32), 0x9e3779b1) | 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  // The bias of 32 bits over such small ranges is no matter here.
  const below = (bound: number): number => Math.floor((next() / 2 ** 32) * bound);
  return {
    below,
    chance: (numerator, denominator) => below(denominator) < numerator,
    pick: (items) => items[below(items.length)]!,
    shuffle(items) {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [out[i], out[j]] = [out[j]!, out[i]!];
      }
      return out;
    },
  };
}
