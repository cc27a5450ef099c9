/**
 * State, events and effects of the Tendermint machine of one height (arXiv:1807.04938, Algorithm 1; names as there).
 * Values are block hashes; blocks, signatures and clocks live in the driver.
 */
import type { Hex } from '../../core/index.ts';
import type { VoteType } from '../../light/index.ts';

/** id(v) of the paper: the block's hash. */
export type BlockId = Hex;

/** `new` is ours: messages are counted, but the height has not been started (a node waits for the block time). */
export type Step = 'new' | 'propose' | 'prevote' | 'precommit' | 'decided';

export type TimedStep = 'propose' | 'prevote' | 'precommit';

/** What does not change during a height. */
export interface MachineConfig {
  readonly height: number;
  /** Voting power by validator index. */
  readonly powers: readonly bigint[];
  /** Own index, or null for an observer, which never emits messages. */
  readonly self: number | null;
  /** proposer(h, round) of the paper, as an index. */
  readonly proposer: (round: number) => number;
}

export interface Proposal {
  /** −1, or the round in which the block had +2/3 prevotes. */
  readonly validRound: number;
  readonly id: BlockId;
}

/** Voters by value; the key of nil is ''. An equivocator stands under each value that it signed. */
export type Tally = ReadonlyMap<BlockId | '', ReadonlySet<number>>;

/** The message log of one round, and which "for the first time" rules have fired in it. */
export interface RoundLog {
  readonly proposals: readonly Proposal[];
  readonly prevotes: Tally;
  readonly precommits: Tally;
  readonly fired: ReadonlySet<'prevoteTimeout' | 'precommitTimeout' | 'polka'>;
}

export interface MachineState {
  readonly step: Step;
  readonly round: number;
  readonly lockedValue: BlockId | null;
  readonly lockedRound: number;
  readonly validValue: BlockId | null;
  readonly validRound: number;
  readonly rounds: ReadonlyMap<number, RoundLog>;
  /** valid(v) for blocks that are here and checked. */
  readonly blocks: ReadonlyMap<BlockId, boolean>;
  /** Blocks already asked for by `wantBlock`. */
  readonly wanted: ReadonlySet<BlockId>;
}

export type MachineEvent =
  | { type: 'start' }
  /** getValue() answered. */
  | { type: 'value'; round: number; id: BlockId }
  /** From the proposer of `round`, signature checked. */
  | { type: 'proposal'; round: number; validRound: number; id: BlockId }
  | { type: 'block'; id: BlockId; valid: boolean }
  | { type: 'vote'; vote: VoteType; round: number; validator: number; id: BlockId | null }
  | { type: 'timeout'; step: TimedStep; round: number };

export type Effect =
  | { type: 'getValue'; round: number }
  | { type: 'broadcastProposal'; round: number; validRound: number; id: BlockId }
  | { type: 'broadcastVote'; vote: VoteType; round: number; id: BlockId | null }
  | { type: 'scheduleTimeout'; step: TimedStep; round: number }
  /** A quorum voted for a block that is not here: somebody has it. */
  | { type: 'wantBlock'; id: BlockId }
  | { type: 'decide'; round: number; id: BlockId };

export type Transition = { state: MachineState; effects: Effect[] };

export const EMPTY_ROUND: RoundLog = {
  proposals: [],
  prevotes: new Map(),
  precommits: new Map(),
  fired: new Set(),
};

export const initialState: MachineState = {
  step: 'new',
  round: 0,
  lockedValue: null,
  lockedRound: -1,
  validValue: null,
  validRound: -1,
  rounds: new Map(),
  blocks: new Map(),
  wanted: new Set(),
};

export const roundLog = (state: MachineState, round: number): RoundLog =>
  state.rounds.get(round) ?? EMPTY_ROUND;

export function withRound(state: MachineState, round: number, change: Partial<RoundLog>): MachineState {
  const rounds = new Map(state.rounds).set(round, { ...roundLog(state, round), ...change });
  return { ...state, rounds };
}

/** Marks a "for the first time" rule of `round` as used. */
export function withFired(
  state: MachineState,
  round: number,
  rule: 'prevoteTimeout' | 'precommitTimeout' | 'polka',
): MachineState {
  return withRound(state, round, { fired: new Set(roundLog(state, round).fired).add(rule) });
}
