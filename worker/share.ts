/** Trains one slot's share of a training round: the same steps as `trainRound` in job/, with the engine on its thread. */
import { fromHex } from '../core/index.ts';
import { createBatchPlan } from '../job/index.ts';
import type { Assignment } from './context.ts';
import type { EncodedState } from './trainerTypes.ts';

export interface TrainedShare {
  state: EncodedState;
  /** Mean over the steps, rounded towards −∞, nats × 2^16. */
  lossQ16: number;
  steps: number;
  samples: number;
}

/** Between two chunks the thread answers other requests and an abort takes effect. */
const STEPS_PER_CHUNK = 8;

/** Throws the signal's reason as soon as a chunk is over after an abort. */
export async function trainShare(
  assignment: Assignment,
  round: number,
  start: Uint8Array,
  signal: AbortSignal,
): Promise<TrainedShare> {
  const { jobId, slot, seed, job, trainer, dataset } = assignment;
  const { stepsPerRound, workers } = job.document.training;
  const { batchSize } = job.recipe;
  const stream = { seed: fromHex(seed), jobId, count: dataset.count, workers, stepsPerRound, batchSize };
  const plan = createBatchPlan(stream);
  const lossesQ16: number[] = [];
  await trainer.load(start);
  for (let first = 0; first < stepsPerRound; first += STEPS_PER_CHUNK) {
    const indices: number[] = [];
    for (let step = first; step < Math.min(stepsPerRound, first + STEPS_PER_CHUNK); step++) {
      indices.push(...plan({ round, slot, step }));
    }
    const { inputs, labels } = await dataset.read(indices);
    signal.throwIfAborted();
    lossesQ16.push(...(await trainer.steps(inputs, labels)));
    signal.throwIfAborted();
  }
  const state = await trainer.export();
  return { state, lossQ16: floorMean(lossesQ16), steps: stepsPerRound, samples: stepsPerRound * batchSize };
}

/** floor(sum / n), exact for sums below 2^53. */
export const floorMean = (values: readonly number[]): number =>
  Math.floor(values.reduce((sum, value) => sum + value, 0) / values.length);
