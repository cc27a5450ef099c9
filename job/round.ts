/** One worker's share of a federated training round, and how shares become the round's state and loss. */
import { concatBytes, sha256, uintBytes, utf8 } from '../core/index.ts';
import {
  type Batch,
  type Engine,
  meanState,
  momentsOf,
  type Trainer,
  type TrainState,
} from '../engine/index.ts';
import { type BatchPlan, createBatchPlan } from './batches.ts';
import type { Job } from './document.ts';

/** Training data by index; a local array or an opened data set. */
export interface TrainingData {
  readonly count: number;
  /** u8 inputs [indices, ...input] and one label each. */
  read(indices: Uint32Array): Promise<Batch> | Batch;
}

/** What fixes a job's training apart from its document: chain-given seed and number. */
export interface JobSeed {
  readonly seed: Uint8Array;
  readonly jobId: bigint;
}

/** The state every worker starts from: initial weights from SHA-256("fedai-start/1" ‖ seed ‖ jobId u256be). */
export const startingState = (engine: Engine, job: Job, { seed, jobId }: JobSeed): TrainState =>
  engine.initialState(
    job.model,
    sha256(concatBytes(utf8('fedai-start/1'), seed, uintBytes(jobId, 32))),
    momentsOf(job.recipe),
  );

export const jobBatches = (job: Job, { seed, jobId }: JobSeed, count: number): BatchPlan =>
  createBatchPlan({
    seed,
    jobId,
    count,
    workers: job.document.training.workers,
    stepsPerRound: job.document.training.stepsPerRound,
    batchSize: job.recipe.batchSize,
  });

export interface RoundShare {
  readonly trainer: Trainer;
  readonly batches: BatchPlan;
  readonly data: TrainingData;
  readonly round: number;
  readonly slot: number;
  readonly stepsPerRound: number;
  /** Called after each step with its loss; may pause the loop (back-pressure, progress). */
  readonly onStep?: (step: number, lossQ16: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** Runs the steps of one slot from the trainer's present state; resolves to the end state and mean loss (nats · 2^16). */
export async function trainRound(share: RoundShare): Promise<{ state: TrainState; lossQ16: number }> {
  const { trainer, batches, data, round, slot, stepsPerRound } = share;
  const losses: number[] = [];
  for (let step = 0; step < stepsPerRound; step++) {
    share.signal?.throwIfAborted();
    const lossQ16 = trainer.step(await data.read(batches({ round, slot, step })));
    losses.push(lossQ16);
    await share.onStep?.(step, lossQ16);
  }
  return { state: trainer.export(), lossQ16: meanInteger(losses) };
}

/** floor(sum / n): losses are reported, never trained on. */
const meanInteger = (values: readonly number[]): number =>
  Math.floor(values.reduce((total, value) => total + value, 0) / values.length);

/** The round's agreed state and loss from its contributors' shares; their order does not matter. */
export const closeRound = (
  shares: readonly { state: TrainState; lossQ16: number }[],
): { state: TrainState; lossQ16: number } => ({
  state: meanState(shares.map(({ state }) => state)),
  lossQ16: meanInteger(shares.map(({ lossQ16 }) => lossQ16)),
});

/** Training data held in memory. */
export function arrayData(inputs: Uint8Array, labels: Uint8Array): TrainingData {
  const size = inputs.length / labels.length;
  return {
    count: labels.length,
    read(indices) {
      const batch = { inputs: new Uint8Array(indices.length * size), labels: new Uint8Array(indices.length) };
      indices.forEach((index, i) => {
        batch.inputs.set(inputs.subarray(index * size, (index + 1) * size), i * size);
        batch.labels[i] = labels[index]!;
      });
      return batch;
    },
  };
}
