/** The state of a fixed round made anew: training is exact, so the state before and the contributors are all it takes. */
import { FedaiError, type Hex } from '../core/index.ts';
import type { Assignment } from './context.ts';
import { trainShare } from './share.ts';

export interface RemadeRound {
  round: number;
  /** Slots in ascending order. */
  contributors: readonly number[];
  /** What the chain fixed. */
  stateRoot: Hex;
}

/** Costs one share of training for each contributor. Throws `BAD_STATE` when it does not come to the root, or the abort reason. */
export async function remakeState(
  assignment: Assignment,
  before: Uint8Array,
  { round, contributors, stateRoot }: RemadeRound,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const ends: Uint8Array[] = [];
  for (const slot of contributors) {
    const { state } = await trainShare({ ...assignment, slot }, round, before, signal);
    ends.push(state);
  }
  const mean = await assignment.trainer.average(ends);
  if (mean.stateRoot === stateRoot) return mean.bytes;
  throw new FedaiError('BAD_STATE', 'a fixed round is not the mean of its contributors', {
    jobId: assignment.jobId,
    round,
    got: mean.stateRoot,
    expected: stateRoot,
  });
}
