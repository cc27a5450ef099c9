/** GELU, x · Φ(x), from a table of the normal distribution function in steps of 1/64, linear between them. */
import { type Block, narrow, rescale } from '../arithmetic/integers.ts';
import { GELU_SLOPE_Q16, NORMAL_CDF_Q16 } from '../arithmetic/layers.tables.ts';
import type { Context } from './context.ts';

const ARGUMENT_BITS = 14;
/** |x| is limited to just below 6, where Φ is 1 to 2^−16. */
const ARGUMENT_MAX = 6 * 2 ** ARGUMENT_BITS - 1;
const ONE_Q16 = 65_536;

/** Table value at m · 2^exponent, at 2^−16; both tables T have T(−x) = 1 − T(x). */
export function lookUp(table: readonly number[], m: number, exponent: number): number {
  const u = Math.min(ARGUMENT_MAX, rescale(Math.abs(m), -ARGUMENT_BITS - exponent));
  const k = u >> 8;
  const r = u & 255;
  const value = (table[k]! * (256 - r) + table[k + 1]! * r) >> 8;
  return m < 0 ? ONE_Q16 - value : value;
}

export function geluForward({ format }: Context, input: Block): Block {
  const { exponent } = input;
  const values = Int32Array.from(input.mantissas, (m) => m * lookUp(NORMAL_CDF_Q16, m, exponent));
  return narrow(values, exponent - 16, format.activationBits);
}

export function geluBackward({ format }: Context, input: Block, gradient: Block): Block {
  const values = Int32Array.from(
    gradient.mantissas,
    (g, i) => g * lookUp(GELU_SLOPE_Q16, input.mantissas[i]!, input.exponent),
  );
  return narrow(values, gradient.exponent - 16, format.gradientBits);
}
