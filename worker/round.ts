/**
 * The pure machine of one training round in one worker: (state, event) → (state, effects), as in
 * docs/protocol/training-round.md. Owns no clock, no network, no arithmetic of states and no signatures.
 */
import type { Hex } from '../core/index.ts';
import { attemptAt, canJudge, heldContributions, leaderOf, majorityOf, setKey } from './roundRules.ts';
import {
  type AveragedEvent,
  type Claim,
  type Contribution,
  claimKey,
  type RoundEffect,
  type RoundEvent,
  type RoundParameters,
  type RoundState,
  type RoundStep,
} from './roundTypes.ts';

/**
 * Claims that one slot may be the first to make known in a round. An honest slot needs one for each set of end states
 * that it saw as a leader; without a bound, one slot could make all others average every subset there is.
 */
const MAX_CLAIMS_OF_SLOT = 8;

/** The state before `started`. */
export function newRound(parameters: RoundParameters): RoundState {
  return {
    parameters,
    startedAtMs: null,
    nowMs: 0,
    readyAtMs: null,
    contributions: new Map(),
    held: new Set(),
    fetching: new Set(),
    averages: new Map(),
    averaging: new Set(),
    claims: new Map(),
    attestations: new Map(),
    attested: new Set(),
    proposedAttempt: -1,
    quorumAtMs: null,
    submittedAtMs: null,
  };
}

/** One step. Never throws on what peers sent: an event that does not fit changes nothing. */
export function stepRound(state: RoundState, event: RoundEvent): RoundStep {
  switch (event.type) {
    case 'started':
      return {
        state: { ...state, startedAtMs: event.nowMs, nowMs: event.nowMs },
        effects: [{ type: 'train' }],
      };
    case 'trained':
      return onTrained(state, event.contribution);
    case 'contribution':
      return onContribution(state, event.contribution);
    case 'held':
      return advance({ ...state, held: new Set(state.held).add(event.stateRoot) });
    case 'fetchFailed':
      return { state: { ...state, fetching: without(state.fetching, event.stateRoot) }, effects: [] };
    case 'averaged':
      return onAveraged(state, event);
    case 'claim':
      return onClaim(state, event.slot, event.claim, event.signature);
    case 'submitFailed':
      return { state: { ...state, submittedAtMs: state.nowMs }, effects: [] };
    case 'tick':
      return advance({ ...state, nowMs: Math.max(state.nowMs, event.nowMs) });
  }
}

function onTrained(state: RoundState, contribution: Contribution): RoundStep {
  const next = {
    ...state,
    contributions: new Map(state.contributions).set(contribution.slot, contribution),
    held: new Set(state.held).add(contribution.stateRoot),
  };
  const step = advance(next);
  return { state: step.state, effects: [{ type: 'publishContribution', contribution }, ...step.effects] };
}

/** The first end state that a slot names counts: training is deterministic, so an honest slot never names another. */
function onContribution(state: RoundState, contribution: Contribution): RoundStep {
  const { workers, slot } = state.parameters;
  if (contribution.slot === slot || contribution.slot < 0 || contribution.slot >= workers)
    return still(state);
  const known = state.contributions.get(contribution.slot);
  if (known !== undefined && known.stateRoot !== contribution.stateRoot) return still(state);
  const recorded = known ?? contribution;
  const contributions = new Map(state.contributions).set(contribution.slot, {
    ...recorded,
    peerId: contribution.peerId,
  });
  const { held, fetching } = state;
  if (held.has(contribution.stateRoot) || fetching.has(contribution.stateRoot)) {
    return advance({ ...state, contributions });
  }
  const step = advance({ ...state, contributions, fetching: new Set(fetching).add(contribution.stateRoot) });
  return { state: step.state, effects: [{ type: 'fetch', contribution }, ...step.effects] };
}

function onAveraged(state: RoundState, event: AveragedEvent): RoundStep {
  const key = setKey(event.claim.contributors);
  return advance({
    ...state,
    averages: new Map(state.averages).set(key, event.claim),
    averaging: without(state.averaging, key),
  });
}

/** A proposal or attestation: the same message, a claim with its sender's signature. */
function onClaim(state: RoundState, slot: number, claim: Claim, signature: Hex): RoundStep {
  const { workers, round } = state.parameters;
  if (claim.round !== round || slot < 0 || slot >= workers) return still(state);
  const key = claimKey(claim);
  const known = state.attestations.has(key);
  if (!known && slot !== state.parameters.slot && introducedBy(state, slot) >= MAX_CLAIMS_OF_SLOT)
    return still(state);
  const signatures = new Map(state.attestations.get(key) ?? []).set(slot, signature);
  return advance({
    ...state,
    claims: new Map(state.claims).set(key, claim),
    attestations: new Map(state.attestations).set(key, signatures),
  });
}

/** Maps keep their order: the first signature of a claim is of the slot that made it known here. */
function introducedBy(state: RoundState, slot: number): number {
  let count = 0;
  for (const signatures of state.attestations.values()) if (signatures.keys().next().value === slot) count++;
  return count;
}

/** Everything that follows from what is known now: propose, check, attest, submit. */
function advance(state: RoundState): RoundStep {
  const effects: RoundEffect[] = [];
  let next = markReady(state);
  for (const part of [propose, judge, submit]) {
    const step = part(next);
    next = step.state;
    effects.push(...step.effects);
  }
  return { state: next, effects };
}

/** Attempts are counted from when all end states are held, or from the time-out when a majority is. */
function markReady(state: RoundState): RoundState {
  if (state.readyAtMs !== null || state.startedAtMs === null) return state;
  const held = heldContributions(state).length;
  const { workers, roundTimeoutMs } = state.parameters;
  const late = state.nowMs >= state.startedAtMs + roundTimeoutMs;
  const ready = held === workers || (late && held >= majorityOf(workers));
  return ready ? { ...state, readyAtMs: state.nowMs } : state;
}

/** The leader of the attempt proposes the mean of every end state that it holds. */
function propose(state: RoundState): RoundStep {
  const attempt = attemptAt(state);
  if (attempt === null || attempt <= state.proposedAttempt) return still(state);
  if (leaderOf(state.parameters, attempt) !== state.parameters.slot) return still(state);
  const contributors = heldContributions(state);
  const claim = state.averages.get(setKey(contributors.map((entry) => entry.slot)));
  if (claim === undefined) return average(state, contributors);
  const attested = new Set(state.attested).add(claimKey(claim));
  return { state: { ...state, proposedAttempt: attempt, attested }, effects: [{ type: 'attest', claim }] };
}

function average(state: RoundState, contributors: readonly Contribution[]): RoundStep {
  const key = setKey(contributors.map((entry) => entry.slot));
  if (state.averaging.has(key)) return still(state);
  return {
    state: { ...state, averaging: new Set(state.averaging).add(key) },
    effects: [{ type: 'average', contributors }],
  };
}

/** Signs each claim that its own computation confirms. */
function judge(state: RoundState): RoundStep {
  let next = state;
  const effects: RoundEffect[] = [];
  for (const [key, claim] of state.claims) {
    if (next.attested.has(key) || !canJudge(next, claim)) continue;
    const own = next.averages.get(setKey(claim.contributors));
    if (own === undefined) {
      const chosen = heldContributions(next).filter((entry) => claim.contributors.includes(entry.slot));
      const step = average(next, chosen);
      next = step.state;
      effects.push(...step.effects);
    } else if (claimKey(own) === key) {
      next = { ...next, attested: new Set(next.attested).add(key) };
      effects.push({ type: 'attest', claim });
    }
  }
  return { state: next, effects };
}

/** Who holds a majority submits; slots take turns so that one transaction is the rule. */
function submit(state: RoundState): RoundStep {
  const { workers, slot, round, submitPatienceMs } = state.parameters;
  for (const [key, signatures] of state.attestations) {
    const claim = state.claims.get(key);
    if (claim === undefined || signatures.size < majorityOf(workers)) continue;
    const quorumAtMs = state.quorumAtMs ?? state.nowMs;
    const rank = (slot - (round % workers) + workers) % workers;
    const next = { ...state, quorumAtMs };
    const turnAtMs = Math.max(
      quorumAtMs + rank * submitPatienceMs,
      state.submittedAtMs === null ? 0 : state.submittedAtMs + workers * submitPatienceMs,
    );
    if (state.nowMs < turnAtMs) return still(next);
    return {
      state: { ...next, submittedAtMs: state.nowMs },
      effects: [{ type: 'submit', claim, signatures: [...signatures.values()] }],
    };
  }
  return still(state);
}

const still = (state: RoundState): RoundStep => ({ state, effects: [] });

function without<T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> {
  const copy = new Set(set);
  copy.delete(item);
  return copy;
}
