/**
 * The Tendermint machine of one height: (state, event) → (state, effects), pure. An event first enters the message
 * log (or fires a timeout), then the rules run until none applies.
 */
import {
  type Effect,
  type MachineConfig,
  type MachineEvent,
  type MachineState,
  roundLog,
  type Transition,
  withRound,
} from './machine-state.ts';
import { castVote, RULES, startRound } from './rules.ts';
import { addVote, isSpent } from './tally.ts';

/** A proposer that sends more proposals in one round is Byzantine; two are kept, so that a quorum for either counts. */
const MAX_PROPOSALS_PER_ROUND = 2;

/** Feeds one event. After `decide` the state no longer changes. */
export function step(config: MachineConfig, state: MachineState, event: MachineEvent): Transition {
  if (state.step === 'decided') return { state, effects: [] };
  const first = applyEvent(config, state, event);
  return settle(config, first);
}

function settle(config: MachineConfig, first: Transition): Transition {
  let { state } = first;
  const effects: Effect[] = [...first.effects];
  for (;;) {
    const next = firstRule(config, state);
    if (next === undefined) return { state, effects };
    state = next.state;
    effects.push(...next.effects);
    if (state.step === 'decided') return { state, effects };
  }
}

function firstRule(config: MachineConfig, state: MachineState): Transition | undefined {
  for (const rule of RULES) {
    const next = rule(config, state);
    if (next !== undefined) return next;
  }
  return undefined;
}

function applyEvent(config: MachineConfig, state: MachineState, event: MachineEvent): Transition {
  const still = (next: MachineState): Transition => ({ state: next, effects: [] });
  switch (event.type) {
    case 'start':
      return state.step === 'new' ? startRound(config, state, 0) : still(state);
    case 'value':
      return onValue(state, event.round, event.id);
    case 'proposal':
      return still(withProposal(state, event));
    case 'block':
      return still({ ...state, blocks: new Map(state.blocks).set(event.id, event.valid) });
    case 'vote':
      return still(withVote(state, event));
    case 'timeout':
      return onTimeout(config, state, event);
  }
}

function onValue(state: MachineState, round: number, id: Transition['state']['validValue']): Transition {
  if (id === null || state.step !== 'propose' || state.round !== round) return { state, effects: [] };
  return { state, effects: [{ type: 'broadcastProposal', round, validRound: -1, id }] };
}

function withProposal(
  state: MachineState,
  { round, validRound, id }: MachineEvent & { type: 'proposal' },
): MachineState {
  const { proposals } = roundLog(state, round);
  const known = proposals.some((one) => one.id === id && one.validRound === validRound);
  if (known || proposals.length >= MAX_PROPOSALS_PER_ROUND) return state;
  return withRound(state, round, { proposals: [...proposals, { validRound, id }] });
}

function withVote(state: MachineState, event: MachineEvent & { type: 'vote' }): MachineState {
  const field = event.vote === 'prevote' ? 'prevotes' : 'precommits';
  const before = roundLog(state, event.round)[field];
  const after = addVote(before, event.id, event.validator);
  return after === before ? state : withRound(state, event.round, { [field]: after });
}

/** Lines 57–67. A timeout of a step or round that has passed does nothing. */
function onTimeout(
  config: MachineConfig,
  state: MachineState,
  event: MachineEvent & { type: 'timeout' },
): Transition {
  if (event.round !== state.round || state.step === 'new') return { state, effects: [] };
  if (event.step === 'propose' && state.step === 'propose') return castVote(config, state, 'prevote', null);
  if (event.step === 'prevote' && state.step === 'prevote') return castVote(config, state, 'precommit', null);
  if (event.step === 'precommit') return startRound(config, state, state.round + 1);
  return { state, effects: [] };
}

/**
 * The timeout that need not be waited for: whoever could be waited for has voted. A precommit for a block tells that
 * somebody is locked: then the wait stays, in which everybody comes to know the polka that locked it.
 */
export function idleTimeout(config: MachineConfig, state: MachineState): 'prevote' | 'precommit' | undefined {
  const { prevotes, precommits } = roundLog(state, state.round);
  if (state.step === 'prevote' && isSpent(config, prevotes)) return 'prevote';
  const isLocked = [...precommits.keys()].some((id) => id !== '');
  return state.step === 'precommit' && !isLocked && isSpent(config, precommits) ? 'precommit' : undefined;
}

/**
 * Puts back a lock that the sign-state remembers, in case the log that led to it is gone: what was precommitted
 * once binds later rounds.
 */
export function restoreLock(
  state: MachineState,
  lock: { round: number; id: MachineState['lockedValue'] },
): MachineState {
  if (lock.id === null || lock.round <= state.lockedRound) return state;
  const restored = { ...state, lockedValue: lock.id, lockedRound: lock.round };
  return lock.round > state.validRound
    ? { ...restored, validValue: lock.id, validRound: lock.round }
    : restored;
}
