/** Trains one slot's share of a training round: the same steps as `trainRound` in job/, with the engine on its thread. */
import { fromHex } from '../core/index.ts';
import { createBatchPlan, segmentPlan } from '../job/index.ts';
import type { Assignment } from './context.ts';

export interface TrainedShare {
  /** Canonical bytes of the end state. */
  state: Uint8Array;
  /** Mean over the steps, rounded towards −∞, nats × 2^16. */
  lossQ16: number;
  steps: number;
  samples: number;
}

/** Between two chunks the thread answers other requests and an abort takes effect. */
const STEPS_PER_CHUNK = 8;

/**
 * Throws the signal's reason as soon as a chunk is over after an abort. `onBorder` is given the state after each segment,
 * the end state among them.
 */
export async function trainShare(
  assignment: Assignment,
  round: number,
  start: Uint8Array,
  signal: AbortSignal,
  onBorder: (state: Uint8Array) => void = () => {},
): Promise<TrainedShare> {
  const { jobId, slot, seed, job, trainer, dataset } = assignment;
  const { stepsPerRound, workers } = job.document.training;
  const { batchSize } = job.recipe;
  const stream = { seed: fromHex(seed), jobId, count: dataset.count, workers, stepsPerRound, batchSize };
  const plan = createBatchPlan(stream);
  const border = segmentPlan(job).steps;
  const lossesQ16: number[] = [];
  let state = start;
  await trainer.load(start);
  for (let first = 0; first < stepsPerRound; ) {
    const nextBorder = Math.min(stepsPerRound, first - (first % border) + border);
    const end = Math.min(nextBorder, first + STEPS_PER_CHUNK);
    const indices: number[] = [];
    for (let step = first; step < end; step++) indices.push(...plan({ round, slot, step }));
    const { inputs, labels } = await dataset.read(indices);
    signal.throwIfAborted();
    lossesQ16.push(...(await trainer.steps(inputs, labels)));
    signal.throwIfAborted();
    first = end;
    if (first !== nextBorder) continue;
    state = await trainer.mark();
    onBorder(state);
  }
  return { state, lossQ16: floorMean(lossesQ16), steps: stepsPerRound, samples: stepsPerRound * batchSize };
}

/** floor(sum / n), exact for sums below 2^53. */
export const floorMean = (values: readonly number[]): number =>
  Math.floor(values.reduce((sum, value) => sum + value, 0) / values.length);
