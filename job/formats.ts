/** From which block on jobs may use a numeric format: the chain spec says it, so that all take up a new format at once. */
import { FedaiError } from '../core/index.ts';
import type { Job } from './document.ts';

/** Activation heights by the name of the format; those that are not named hold from the beginning. */
export type FormatHeights = Readonly<Record<string, number>>;

const heightOf = ({ document }: Job, formats: FormatHeights = {}): number =>
  Object.hasOwn(formats, document.model.numeric) ? formats[document.model.numeric]! : 0;

/** `postedAt`: the block that the job was posted in. */
export const isFormatActive = (job: Job, formats: FormatHeights | undefined, postedAt: number): boolean =>
  postedAt >= heightOf(job, formats);

/** Throws `FORMAT_INACTIVE` with the block from which the job's format may be used. */
export function checkFormat(job: Job, formats: FormatHeights | undefined, postedAt: number): void {
  if (isFormatActive(job, formats, postedAt)) return;
  const { numeric } = job.document.model;
  const from = heightOf(job, formats);
  throw new FedaiError(
    'FORMAT_INACTIVE',
    `jobs may use the numeric format ${numeric} from block ${from} on`,
    { field: 'model.numeric', got: postedAt, expected: `>= ${from}` },
    { remedy: 'post the job later, or use another numeric format' },
  );
}
