/** Seeded, counter-based randomness: the same bytes everywhere, for simulators, batches and draws. Not for keys. */
import { bytesToBigInt, concatBytes, uintBytes } from './bytes.ts';
import { sha256 } from './hash.ts';

export interface SeededRandom {
  /** Uniform in [0, bound), without modulo bias. */
  below(bound: number): number;
  /** `true` with probability numerator/denominator. */
  chance(numerator: number, denominator: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Fisher–Yates; returns a new array. */
  shuffle<T>(items: readonly T[]): T[];
}

const UINT48_RANGE = 2 ** 48;

/** Stream of SHA-256(seed ‖ counter), read 48 bits at a time. */
export function seededRandom(seed: Uint8Array): SeededRandom {
  let counter = 0n;
  let block = new Uint8Array(0);
  let offset = 0;
  const next48 = (): number => {
    if (offset + 6 > block.length) {
      block = Uint8Array.from(sha256(concatBytes(seed, uintBytes(counter++, 8))));
      offset = 0;
    }
    const value = Number(bytesToBigInt(block.subarray(offset, offset + 6)));
    offset += 6;
    return value;
  };
  const below = (bound: number): number => {
    const limit = UINT48_RANGE - (UINT48_RANGE % bound);
    let value = next48();
    while (value >= limit) value = next48();
    return value % bound;
  };
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
