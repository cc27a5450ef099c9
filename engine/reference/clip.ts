/** Gradient clipping: the common norm of all tensors' mean gradients, measured on mantissas of 11 bits. */
import type { Wide } from '../arithmetic/blocks.ts';
import { bitLength, narrow, saturate } from '../arithmetic/integers.ts';
import { rootOf } from '../arithmetic/schedule.ts';
import type { Gradients } from './network.ts';

export const MEASURE_BITS = 11;
const FACTOR_BITS = 16;

/** Sum of the squares of a tensor's mantissas of 11 bits, and their exponent. */
export interface Measured {
  readonly squares: number;
  readonly exponent: number;
}

const measure = ({ values, exponent }: Wide): Measured => {
  const block = narrow(values, exponent, MEASURE_BITS);
  return { squares: block.mantissas.reduce((sum, m) => sum + m * m, 0), exponent: block.exponent };
};

/** Norm at 2^−16 of the mean over 2^`batchLog` samples. Squares far below the largest exponent are floored away at 2^−64 of it. */
function normQ16(sums: readonly Measured[], batchLog: number): bigint {
  const measured = sums.map(({ squares, exponent }) => ({ squares, exponent: exponent - batchLog }));
  const top = Math.max(...measured.map(({ exponent }) => exponent));
  const sum = measured.reduce(
    (total, { squares, exponent }) => total + ((BigInt(squares) << 64n) >> BigInt(2 * (top - exponent))),
    0n,
  );
  // sum · 2^(2 top − 64) is the norm's square; its root is wanted at 2^−16.
  const shift = 2 * top - 64 + 2 * FACTOR_BITS;
  return rootOf(shift >= 0 ? sum << BigInt(shift) : sum >> BigInt(-shift));
}

/** floor(2^16 · limit / norm) where the norm is above the limit. */
export function clipFactor(
  sums: readonly Measured[],
  limitQ16: number,
  batchSize: number,
): number | undefined {
  const norm = normQ16(sums, bitLength(batchSize) - 1);
  return norm <= BigInt(limitQ16) ? undefined : Number((BigInt(limitQ16) << BigInt(FACTOR_BITS)) / norm);
}

/** Scales all gradients by floor(2^16 · limit / norm) / 2^16 when the norm is above the limit; each value is floored. */
export function clipGradients(gradients: Gradients, limitQ16: number, batchSize: number): Gradients {
  const present = gradients.filter((gradient) => gradient !== undefined);
  const factor = clipFactor(present.map(measure), limitQ16, batchSize);
  if (factor === undefined) return gradients;
  return gradients.map(
    (gradient) =>
      gradient && {
        exponent: gradient.exponent,
        values: gradient.values.map((value) => saturate(Math.floor((value * factor) / 2 ** FACTOR_BITS))),
      },
  );
}
