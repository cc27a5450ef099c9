/** Integer primitives of all numeric formats: rounding shifts, saturation, narrowing. Values are exact integers held in doubles or int32. */

/** Inputs are u8 / 256. */
export const INPUT_EXPONENT = -8;
/** Masters (weights, velocity) are int32 / 2^24: range ±128, step 6·10⁻⁸. */
export const MASTER_EXPONENT = -24;
export const INT32_MAX = 2147483647;
/** Above this shift every rounding shift of an exact double is 0 (|x| < 2^52). */
const MAX_SHIFT = 53;

const POWERS = Float64Array.from({ length: MAX_SHIFT + 1 });
POWERS[0] = 1;
for (let i = 1; i <= MAX_SHIFT; i++) POWERS[i] = POWERS[i - 1]! * 2;

/** 2^n for 0 ≤ n ≤ 53, by doubling: `Math.pow` promises no exact bits. */
export const powerOfTwo = (n: number): number => POWERS[n]!;

/** Number of bits of a non-negative integer below 2^53; 0 for 0. */
export function bitLength(x: number): number {
  const high = Math.floor(x / 4294967296);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(x);
}

/** Symmetric saturation to ±(2^31 − 1). */
export const saturate = (x: number): number => Math.max(-INT32_MAX, Math.min(INT32_MAX, x));

/** floor((x + 2^(shift−1)) / 2^shift) for |x| < 2^52: to nearest, halves upward. */
export function roundShift(x: number, shift: number): number {
  if (shift === 0) return x;
  if (shift >= MAX_SHIFT) return 0;
  return Math.floor((x + powerOfTwo(shift - 1)) / powerOfTwo(shift));
}

/** x · 2^−shift as int32: rounding for a positive shift, saturating always. */
export function rescale(x: number, shift: number): number {
  if (shift >= 0) return saturate(roundShift(x, shift));
  if (x === 0) return 0;
  return -shift > 31 ? saturate(Math.sign(x) * INT32_MAX) : saturate(x * powerOfTwo(-shift));
}

/**
 * Static right shift that brings an exact sum of `terms` products, each at most boundA · boundB, into int32.
 * It depends on shapes and format alone; it is 0 for 12-bit operands up to 512 terms.
 */
export const foldShift = (terms: number, boundA: number, boundB: number): number =>
  Math.max(0, bitLength(terms * boundA * boundB) - 31);

/** A block floating-point tensor: value = mantissa · 2^exponent; the format says how large a mantissa may be. */
export interface Block {
  readonly mantissas: Int16Array;
  readonly exponent: number;
}

/** Narrows int32 values at `exponent` to mantissas of `bits` bits and a sign, with the smallest shift that fits the largest magnitude. */
export function narrow(values: Int32Array, exponent: number, bits: number): Block {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  const shift = Math.max(0, bitLength(most) - bits);
  const limit = powerOfTwo(bits) - 1;
  const mantissas = new Int16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const rounded = roundShift(values[i]!, shift);
    mantissas[i] = Math.max(-limit, Math.min(limit, rounded));
  }
  return { mantissas, exponent: exponent + shift };
}
