/** The small rules of a training round: majorities, leaders, attempts, what may be judged. */
import type { Claim, Contribution, RoundParameters, RoundState } from './roundTypes.ts';

/** Strict majority of the slots. */
export const majorityOf = (workers: number): number => Math.floor(workers / 2) + 1;

/** Name of a set of slots. */
export const setKey = (slots: readonly number[]): string => [...slots].sort((a, b) => a - b).join('.');

/** Slot that proposes in an attempt; it rotates with the round and with each failed attempt. */
export const leaderOf = (parameters: RoundParameters, attempt: number): number =>
  (parameters.round + attempt) % parameters.workers;

/** Running attempt, or null while end states are still waited for. */
export function attemptAt(state: RoundState): number | null {
  if (state.readyAtMs === null) return null;
  return Math.floor((state.nowMs - state.readyAtMs) / state.parameters.attemptMs);
}

/** Contributions whose end state is here, by slot. */
export function heldContributions(state: RoundState): Contribution[] {
  return [...state.contributions.values()]
    .filter((entry) => state.held.has(entry.stateRoot))
    .sort((a, b) => a.slot - b.slot);
}

/**
 * Whether a claim can be checked now: every contributor's end state is here, and, before the own time-out, nobody
 * whose end state is here was left out.
 */
export function canJudge(state: RoundState, claim: Claim): boolean {
  const here = heldContributions(state).map((entry) => entry.slot);
  if (claim.contributors.length === 0 || !claim.contributors.every((slot) => here.includes(slot)))
    return false;
  const { startedAtMs, nowMs, parameters } = state;
  const late = startedAtMs !== null && nowMs >= startedAtMs + parameters.roundTimeoutMs;
  return late || here.every((slot) => claim.contributors.includes(slot));
}
