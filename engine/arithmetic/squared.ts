/** Mean squared error in integers: gradient of the outputs at 2^−24 and loss at 2^−16. */
import { rescale, saturate } from './integers.ts';

const ERROR_BITS = 16;
/** Errors are limited to ±64, so that their squares stay exact. */
const ERROR_MAX = 2 ** 22;
/** Twice the error, from 2^−16 to 2^−24. */
const DOUBLED = 2 ** 9;
export const SQUARED_GRADIENT_BITS = 24;

/** `targets` at 2^−16, as many as outputs; `units` outputs make a sample. Returns the sum of the samples' losses. */
export function squaredGradient(
  outputs: Int32Array,
  exponent: number,
  targets: Int32Array,
  units: number,
  gradient: Int32Array,
): number {
  let loss = 0;
  for (let start = 0; start < outputs.length; start += units) {
    let squares = 0;
    for (let i = start; i < start + units; i++) {
      const error = rescale(outputs[i]!, -ERROR_BITS - exponent) - targets[i]!;
      const limited = Math.max(-ERROR_MAX, Math.min(ERROR_MAX, error));
      squares += Math.floor((limited * limited) / 65_536);
      gradient[i] = saturate(Math.floor((limited * DOUBLED + Math.floor(units / 2)) / units));
    }
    loss += Math.floor(squares / units);
  }
  return loss;
}
