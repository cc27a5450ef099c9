/** Whether records fit a job's model. Owns no data. */
import { FedaiError } from '../core/index.ts';
import type { Job } from './document.ts';

/** `shape` is of one record; `classes` counts the labels that may occur. Throws `DATA_MISMATCH`. */
export function checkDataFits(job: Job, data: { shape: readonly number[]; classes: number }): void {
  const size = data.shape.reduce((product, side) => product * side, 1);
  if (size === job.model.inputSize && data.classes <= job.model.classes) return;
  throw new FedaiError(
    'DATA_MISMATCH',
    'the data set does not fit the model',
    {
      got: { shape: data.shape, classes: data.classes },
      expected: { shape: job.document.model.input, classes: job.model.classes },
    },
    { remedy: 'give the model the input shape and classes of the data set' },
  );
}
