/** Integer softmax cross-entropy of `bfp12@1`: gradient of the logits at 2^−20 and loss in nats at 2^−16. */
import { bitLength, powerOfTwo } from './integers.ts';
import { EXP2_NEGATIVE_Q20, LN_2_Q16, LOG2_E_Q16, LOG2_ONE_PLUS_Q16 } from './tables.ts';

export const PROBABILITY_BITS = 20;
/** Distances of logits are clamped at 32 octaves; 2^−32 is 0 at 2^−20. */
const DISTANCE_LIMIT = 2097152;

/** Distance of a logit below the largest, in octaves (log2) at 2^−16. `gap` ≥ 0 is an integer below 2^32; `factor` is log2 e at 2^−16. */
function octaves(gap: number, exponent: number, factor = LOG2_E_Q16): number {
  if (gap === 0) return 0;
  const product = gap * factor;
  if (exponent >= 5) return DISTANCE_LIMIT;
  if (exponent >= 0) return Math.min(DISTANCE_LIMIT, product * powerOfTwo(exponent));
  return exponent <= -52 ? 0 : Math.min(DISTANCE_LIMIT, Math.floor(product / powerOfTwo(-exponent)));
}

/** 2^−u at 2^−20, u in octaves at 2^−16: 256 table steps an octave, linear between them. */
function exp2Negative(u: number): number {
  const fraction = u & 0xffff;
  const index = fraction >> 8;
  const rest = fraction & 0xff;
  const between = EXP2_NEGATIVE_Q20[index]! * (256 - rest) + EXP2_NEGATIVE_Q20[index + 1]! * rest;
  const whole = u >> 16;
  return whole > 20 ? 0 : (between >> 8) >> whole;
}

/** log2(sum / 2^20) at 2^−16 for 2^20 ≤ sum < 2^31. */
function log2OfSum(sum: number): number {
  const whole = bitLength(sum) - 1;
  const fraction = Math.floor((sum - powerOfTwo(whole)) / powerOfTwo(whole - 16));
  const index = fraction >> 8;
  const rest = fraction & 0xff;
  const between = LOG2_ONE_PLUS_Q16[index]! * (256 - rest) + LOG2_ONE_PLUS_Q16[index + 1]! * rest;
  return (whole - 20) * 65536 + (between >> 8);
}

/**
 * Probabilities minus one-hot labels, written to `gradient` at 2^−20, row by row.
 * `stride` is the distance between rows of `logits` and `gradient`; returns the sum of the losses at 2^−16.
 */
export function softmaxGradient(
  logits: Int32Array,
  exponent: number,
  labels: Uint8Array | Uint16Array,
  classes: number,
  stride: number,
  gradient: Int32Array,
): number {
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    const start = row * stride;
    let largest = logits[start]!;
    for (let j = 1; j < classes; j++) largest = Math.max(largest, logits[start + j]!);
    let sum = 0;
    for (let j = 0; j < classes; j++) {
      const value = exp2Negative(octaves(largest - logits[start + j]!, exponent));
      gradient[start + j] = value;
      sum += value;
    }
    const label = start + labels[row]!;
    const distance = octaves(largest - logits[label]!, exponent);
    loss += Math.floor(((distance + log2OfSum(sum)) * LN_2_Q16) / 65536);
    normalise(gradient, start, classes, sum);
    gradient[label]! -= powerOfTwo(PROBABILITY_BITS);
  }
  return loss;
}

/** Replaces exponentials by floor((e · 2^20 + floor(sum / 2)) / sum); the quotient is exact below 2^53. */
function normalise(values: Int32Array, start: number, classes: number, sum: number): void {
  const half = Math.floor(sum / 2);
  for (let j = start; j < start + classes; j++) {
    values[j] = Math.floor((values[j]! * powerOfTwo(PROBABILITY_BITS) + half) / sum);
  }
}

/**
 * Softmax of `count` values at 2^exponent, at 2^−20; `factor` is log2 e at 2^−16 times what the values are to be scaled by.
 * `out` may be `values`.
 */
export function probabilities(
  values: Int32Array,
  start: number,
  count: number,
  exponent: number,
  factor: number,
  out: Int32Array,
): void {
  let largest = values[start]!;
  for (let j = 1; j < count; j++) largest = Math.max(largest, values[start + j]!);
  let sum = 0;
  for (let j = start; j < start + count; j++) {
    out[j] = exp2Negative(octaves(largest - values[j]!, exponent, factor));
    sum += out[j]!;
  }
  normalise(out, start, count, sum);
}
