/** Replays a whole federated job in one process: the same states, bit for bit, as its workers agreed on. */
import { FedaiError } from '../core/index.ts';
import type { Engine, TrainState } from '../engine/index.ts';
import type { Job } from './document.ts';
import {
  closeRound,
  type JobSeed,
  jobBatches,
  startingState,
  type TrainingData,
  trainRound,
} from './round.ts';

export interface RoundResult {
  readonly round: number;
  readonly state: TrainState;
  /** Mean loss of the contributors, nats · 2^16. */
  readonly lossQ16: number;
}

export interface Replay {
  readonly engine: Engine;
  readonly job: Job;
  readonly data: TrainingData;
  readonly seed: JobSeed;
  /** Slots whose states made each fixed round's mean, as on chain; its length is the number of rounds. */
  readonly contributors: readonly (readonly number[])[];
  readonly onRound?: (result: RoundResult) => void | Promise<void>;
}

/** The state after the last round listed. */
export async function replayJob(replay: Replay): Promise<TrainState> {
  const { engine, job, data, seed } = replay;
  const batches = jobBatches(job, seed, data.count);
  const { stepsPerRound } = job.document.training;
  let state = startingState(engine, job, seed);
  const trainer = engine.trainer(job.model, job.recipe, state);
  for (const [round, slots] of replay.contributors.entries()) {
    if (slots.length === 0) throw new FedaiError('BAD_ROUND', 'a fixed round has contributors', { round });
    const shares = [];
    for (const slot of slots) {
      trainer.load(state);
      shares.push(await trainRound({ trainer, batches, data, round, slot, stepsPerRound }));
    }
    const closed = closeRound(shares);
    state = closed.state;
    await replay.onRound?.({ round, ...closed });
  }
  return state;
}

/** Every slot contributes to every round. */
export const allContributors = (job: Job): number[][] =>
  Array.from({ length: job.document.training.rounds }, () =>
    Array.from({ length: job.document.training.workers }, (_, slot) => slot),
  );
