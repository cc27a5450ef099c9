/**
 * The "upon" rules of Algorithm 1, one function each, in the paper's order (line numbers beside them).
 * A rule answers undefined when its guard does not hold; otherwise it answers the next state and its effects.
 */
import {
  type BlockId,
  type Effect,
  type MachineConfig,
  type MachineState,
  roundLog,
  type Transition,
  withFired,
} from './machine-state.ts';
import { hasAnyQuorum, hasCorrectSender, hasQuorum, quorumBlock } from './tally.ts';

export type Rule = (config: MachineConfig, state: MachineState) => Transition | undefined;

/** Lines 11–21. The proposer keeps the timer too: its block may fail to be built. */
export function startRound(config: MachineConfig, state: MachineState, round: number): Transition {
  const next: MachineState = { ...state, round, step: 'propose' };
  const timer: Effect = { type: 'scheduleTimeout', step: 'propose', round };
  if (config.self === null || config.proposer(round) !== config.self)
    return { state: next, effects: [timer] };
  const { validValue: id, validRound } = state;
  const offer: Effect =
    id === null ? { type: 'getValue', round } : { type: 'broadcastProposal', round, validRound, id };
  return { state: next, effects: [offer, timer] };
}

/** Sends a vote of the current round and enters the step that it opens. */
export function castVote(
  config: MachineConfig,
  state: MachineState,
  vote: 'prevote' | 'precommit',
  id: BlockId | null,
): Transition {
  const effects: Effect[] =
    config.self === null ? [] : [{ type: 'broadcastVote', vote, round: state.round, id }];
  return { state: { ...state, step: vote }, effects };
}

/** Lines 22–27: a fresh proposal of the current round. */
const onFreshProposal: Rule = (config, state) => {
  if (state.step !== 'propose') return undefined;
  for (const { validRound, id } of roundLog(state, state.round).proposals) {
    const valid = state.blocks.get(id);
    if (validRound !== -1 || valid === undefined) continue;
    const free = state.lockedRound === -1 || state.lockedValue === id;
    return castVote(config, state, 'prevote', valid && free ? id : null);
  }
  return undefined;
};

/** Lines 28–33: a re-proposal, with the +2/3 prevotes of its valid round. */
const onReproposal: Rule = (config, state) => {
  if (state.step !== 'propose') return undefined;
  for (const { validRound, id } of roundLog(state, state.round).proposals) {
    const valid = state.blocks.get(id);
    if (validRound < 0 || validRound >= state.round || valid === undefined) continue;
    if (!hasQuorum(config, roundLog(state, validRound).prevotes, id)) continue;
    const free = state.lockedRound <= validRound || state.lockedValue === id;
    return castVote(config, state, 'prevote', valid && free ? id : null);
  }
  return undefined;
};

/** Lines 34–35: +2/3 prevotes of anything, for the first time. */
const onAnyPrevotes: Rule = (config, state) => {
  const { round, step } = state;
  const log = roundLog(state, round);
  if (step !== 'prevote' || log.fired.has('prevoteTimeout') || !hasAnyQuorum(config, log.prevotes))
    return undefined;
  return {
    state: withFired(state, round, 'prevoteTimeout'),
    effects: [{ type: 'scheduleTimeout', step: 'prevote', round }],
  };
};

/** Lines 36–43: a polka, +2/3 prevotes for the proposed block, for the first time: lock and precommit. */
const onPolka: Rule = (config, state) => {
  const { round, step } = state;
  const log = roundLog(state, round);
  if ((step !== 'prevote' && step !== 'precommit') || log.fired.has('polka')) return undefined;
  const offer = log.proposals.find(
    ({ id }) => state.blocks.get(id) === true && hasQuorum(config, log.prevotes, id),
  );
  if (offer === undefined) return undefined;
  const known = withFired({ ...state, validValue: offer.id, validRound: round }, round, 'polka');
  if (step === 'precommit') return { state: known, effects: [] };
  const locked = { ...known, lockedValue: offer.id, lockedRound: round };
  return castVote(config, locked, 'precommit', offer.id);
};

/** Lines 44–46: +2/3 prevotes for nil. */
const onNilPrevotes: Rule = (config, state) => {
  if (state.step !== 'prevote') return undefined;
  if (!hasQuorum(config, roundLog(state, state.round).prevotes, null)) return undefined;
  return castVote(config, state, 'precommit', null);
};

/** Lines 47–48: +2/3 precommits of anything, for the first time. */
const onAnyPrecommits: Rule = (config, state) => {
  const { round, step } = state;
  const log = roundLog(state, round);
  if (step === 'new' || log.fired.has('precommitTimeout') || !hasAnyQuorum(config, log.precommits))
    return undefined;
  return {
    state: withFired(state, round, 'precommitTimeout'),
    effects: [{ type: 'scheduleTimeout', step: 'precommit', round }],
  };
};

/**
 * Lines 49–54: +2/3 precommits for a valid block, in any round. The paper also asks for the proposal of that round;
 * the quorum itself is enough, and a node that missed the proposal would otherwise wait for nothing.
 */
const onPrecommits: Rule = (config, state) => {
  for (const [round, log] of state.rounds) {
    const id = quorumBlock(config, log.precommits);
    if (id === undefined || state.blocks.get(id) !== true) continue;
    return { state: { ...state, step: 'decided' }, effects: [{ type: 'decide', round, id }] };
  }
  return undefined;
};

/** Ours: a quorum names a block that never came. */
const onMissingBlock: Rule = (config, state) => {
  for (const log of state.rounds.values()) {
    for (const tally of [log.prevotes, log.precommits]) {
      const id = quorumBlock(config, tally);
      if (id === undefined || state.blocks.has(id) || state.wanted.has(id)) continue;
      return {
        state: { ...state, wanted: new Set(state.wanted).add(id) },
        effects: [{ type: 'wantBlock', id }],
      };
    }
  }
  return undefined;
};

/** Lines 55–56: f+1 validators are in a later round: join the latest of those. */
const onLaterRound: Rule = (config, state) => {
  if (state.step === 'new') return undefined;
  const later = [...state.rounds.keys()]
    .filter((round) => round > state.round && hasCorrectSender(config, round, roundLog(state, round)))
    .sort((a, b) => b - a)[0];
  return later === undefined ? undefined : startRound(config, state, later);
};

/** Deciding comes first: nothing that a later rule could send matters after it. */
export const RULES: readonly Rule[] = [
  onPrecommits,
  onMissingBlock,
  onLaterRound,
  onFreshProposal,
  onReproposal,
  onAnyPrevotes,
  onPolka,
  onNilPrevotes,
  onAnyPrecommits,
];
