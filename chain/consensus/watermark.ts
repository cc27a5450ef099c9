/**
 * Whether a validator that has started may sign, by its sign-state and by what other validators say: its data directory
 * may be an old copy. Pure; asking is caution.ts.
 */
import { hasCorrectOne, isQuorum, totalPower, type ValidatorSet } from '../../light/index.ts';

export interface StandingInput {
  set: ValidatorSet;
  /** Own index in the set. */
  self: number;
  /** Height of the sign-state with which the process started. */
  signedHeight: number;
  /** Proven heads by validator, the own one among them. */
  heads: ReadonlyMap<number, number>;
  /** After long waiting one correct answer must do: not everybody of a large network is a neighbour. */
  isPatienceOver: boolean;
}

export type Standing =
  /** Too few have answered. Without them no block is decided either, so waiting costs nothing. */
  | { kind: 'asking' }
  /** Heights were decided that the sign-state knows nothing of. */
  | { kind: 'quiet'; throughHeight: number }
  | { kind: 'open' };

/**
 * The original voted at most this far beyond the greatest head told: to vote at X it needed the commit of X − 1, and at
 * least one of those that answer took part in that one, so it had X − 2.
 */
const REACH = 2;

export function standingOf({ set, self, signedHeight, heads, isPatienceOver }: StandingInput): Standing {
  const others = [...heads.keys()].filter((index) => index !== self).map((index) => set[index]!);
  const isEnough =
    isQuorum(totalPower([set[self]!, ...others]), totalPower(set)) ||
    (isPatienceOver && hasCorrectOne(totalPower(others), totalPower(set)));
  if (!isEnough) return { kind: 'asking' };
  const head = Math.max(0, ...heads.values());
  return head > signedHeight ? { kind: 'quiet', throughHeight: head + REACH } : { kind: 'open' };
}
