/** Integer square roots. `Math.sqrt` is correctly rounded by IEEE 754, so its floor needs one check and is the same everywhere. */
import { bitLength, powerOfTwo } from './integers.ts';

/** floor(sqrt(x)) for an integer 0 ≤ x < 2^53. */
export function integerRoot(x: number): number {
  const root = Math.floor(Math.sqrt(x));
  return root * root > x ? root - 1 : root;
}

/** 1 / sqrt(W) ≈ scale · 2^−shift. */
export interface ReciprocalRoot {
  /** 2^20 ≤ scale ≤ 2^21. */
  readonly scale: number;
  /** 21 … 46. */
  readonly shift: number;
}

/** For an integer 1 ≤ W < 2^51: s even with 2^50 ≤ W · 2^s < 2^52, q = integerRoot(W · 2^s), scale = floor(2^46 / q), shift = 46 − s/2. */
export function reciprocalRoot(w: number): ReciprocalRoot {
  const half = Math.floor((52 - bitLength(w)) / 2);
  const root = integerRoot(w * powerOfTwo(2 * half));
  return { scale: Math.floor(powerOfTwo(46) / root), shift: 46 - half };
}
