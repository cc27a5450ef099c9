/** Shapes of the training-round machine. */
import type { Hex } from '../core/index.ts';

export interface RoundParameters {
  round: number;
  /** Number of slots. */
  workers: number;
  /** Own slot, from 0. */
  slot: number;
  /** How long a missing end state is waited for, from the own start of the round. */
  roundTimeoutMs: number;
  /** How long one leader has before the next slot may propose. */
  attemptMs: number;
  /** How long each further slot waits for the chain to fix the round before it submits too. */
  submitPatienceMs: number;
}

/** What one slot says it trained. */
export interface Contribution {
  slot: number;
  /** Root of the end state. */
  stateRoot: Hex;
  /** Mean loss of the slot's steps, nats × 2^16. */
  lossQ16: number;
  /** Where the end state can be fetched. */
  peerId: string;
}

/** What a round is claimed to have come to: the exact mean of the contributors' end states. */
export interface Claim {
  round: number;
  stateRoot: Hex;
  stateCid: string;
  /** Slots in ascending order. */
  contributors: readonly number[];
  /** Mean loss over the contributors, rounded towards −∞, nats × 2^16. */
  lossQ16: number;
}

export interface RoundState {
  readonly parameters: RoundParameters;
  readonly startedAtMs: number | null;
  readonly nowMs: number;
  readonly readyAtMs: number | null;
  readonly contributions: ReadonlyMap<number, Contribution>;
  /** Roots of end states that are here and verified. */
  readonly held: ReadonlySet<Hex>;
  readonly fetching: ReadonlySet<Hex>;
  /** Own averages by contributor set. */
  readonly averages: ReadonlyMap<string, Claim>;
  readonly averaging: ReadonlySet<string>;
  readonly claims: ReadonlyMap<string, Claim>;
  /** Signatures by claim and slot. */
  readonly attestations: ReadonlyMap<string, ReadonlyMap<number, Hex>>;
  readonly attested: ReadonlySet<string>;
  readonly proposedAttempt: number;
  readonly quorumAtMs: number | null;
  readonly submittedAtMs: number | null;
}

export interface AveragedEvent {
  type: 'averaged';
  claim: Claim;
}

export type RoundEvent =
  | { type: 'started'; nowMs: number }
  | { type: 'trained'; contribution: Contribution }
  | { type: 'contribution'; contribution: Contribution }
  | { type: 'held'; stateRoot: Hex }
  | { type: 'fetchFailed'; stateRoot: Hex }
  | AveragedEvent
  | { type: 'claim'; slot: number; claim: Claim; signature: Hex }
  | { type: 'submitFailed' }
  | { type: 'tick'; nowMs: number };

export type RoundEffect =
  /** Train the own slices from the agreed state; answered by `trained`. */
  | { type: 'train' }
  | { type: 'publishContribution'; contribution: Contribution }
  /** Fetch and verify an end state; answered by `held` or `fetchFailed`. */
  | { type: 'fetch'; contribution: Contribution }
  /** Compute the exact mean; answered by `averaged`. */
  | { type: 'average'; contributors: readonly Contribution[] }
  /** Sign the claim and publish it; answered by `claim` with the own slot. */
  | { type: 'attest'; claim: Claim }
  | { type: 'submit'; claim: Claim; signatures: readonly Hex[] };

export interface RoundStep {
  state: RoundState;
  effects: readonly RoundEffect[];
}

/** Equal for equal claims. */
export const claimKey = (claim: Claim): string =>
  [claim.round, claim.stateRoot, claim.stateCid, claim.contributors.join('.'), claim.lossQ16].join('|');
