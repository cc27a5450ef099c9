/** Floating-point weights of other tools as int32 masters at 2^−24. */
import type { FedaiError } from '../../core/index.ts';
import { saturate } from '../arithmetic/integers.ts';
import type { Model } from '../model.ts';

const SCALE = 16_777_216;

/** To nearest, limited to ±128. Throws what `fail` makes of a wrong size or a value that is no number. */
export function toMasters(
  model: Model,
  values: readonly ArrayLike<number>[],
  fail: (message: string, data: Record<string, unknown>) => FedaiError,
): Int32Array[] {
  return model.tensors.map(({ name, size, shape }, t) => {
    const from = values[t];
    if (from?.length !== size)
      throw fail(`${name}: the weights do not fit the model`, { got: from?.length ?? 0, expected: shape });
    return Int32Array.from({ length: size }, (_, i) => {
      const value = from[i]!;
      if (!Number.isFinite(value)) throw fail(`${name}: a weight is not a number`, { index: i, got: value });
      return saturate(Math.round(value * SCALE));
    });
  });
}
