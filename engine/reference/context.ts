/** What every layer of the reference is given beside its input. */
import type { FormatSpec } from '../arithmetic/format.ts';

export interface Context {
  readonly format: FormatSpec;
  /** Masters, tensor by tensor. */
  readonly weights: readonly Int32Array[];
  /** Samples in the batch. */
  readonly count: number;
  /** Steps finished before this one; undefined when predicting. */
  readonly counter: number | undefined;
}
