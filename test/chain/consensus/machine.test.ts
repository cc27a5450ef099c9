import { describe, expect, it } from 'vitest';
import { timeoutMs } from '../../../chain/consensus/effects.ts';
import { idleTimeout, restoreLock, step } from '../../../chain/consensus/machine.ts';
import {
  type BlockId,
  type Effect,
  initialState,
  type MachineConfig,
  type MachineEvent,
  type MachineState,
} from '../../../chain/consensus/machine-state.ts';

const A: BlockId = '0xaa';
const B: BlockId = '0xbb';
/** Four of equal power; proposer of round r is validator r mod 4; the machine under test is validator 0. */
const config: MachineConfig = {
  height: 1,
  powers: [1n, 1n, 1n, 1n],
  self: 0,
  proposer: (round) => round % 4,
};

function feed(state: MachineState, ...events: MachineEvent[]): { state: MachineState; effects: Effect[] } {
  const effects: Effect[] = [];
  let current = state;
  for (const event of events) {
    const next = step(config, current, event);
    current = next.state;
    effects.push(...next.effects);
  }
  return { state: current, effects };
}

const proposal = (round: number, id: BlockId, validRound = -1): MachineEvent => ({
  type: 'proposal',
  round,
  validRound,
  id,
});
const block = (id: BlockId, valid = true): MachineEvent => ({ type: 'block', id, valid });
const votes = (
  vote: 'prevote' | 'precommit',
  round: number,
  id: BlockId | null,
  ...from: number[]
): MachineEvent[] => from.map((validator) => ({ type: 'vote', vote, round, validator, id }));
const timeout = (at: 'propose' | 'prevote' | 'precommit', round: number): MachineEvent => ({
  type: 'timeout',
  step: at,
  round,
});
const start: MachineEvent = { type: 'start' };
const sent = (effects: Effect[]) =>
  effects.flatMap((effect) =>
    effect.type === 'broadcastVote' ? [[effect.vote, effect.round, effect.id]] : [],
  );

/** Locked on A in round 0, in step precommit. */
const lockedOnA = () =>
  feed(initialState, start, block(A), proposal(0, A), ...votes('prevote', 0, A, 0, 1, 2)).state;

describe('propose', () => {
  it('asks the proposer for a value and offers it (lines 14–19)', () => {
    const begun = feed(initialState, start);
    expect(begun.effects.map((effect) => effect.type)).toEqual(['getValue', 'scheduleTimeout']);
    const offered = feed(begun.state, block(A), { type: 'value', round: 0, id: A });
    expect(offered.effects).toEqual([{ type: 'broadcastProposal', round: 0, validRound: -1, id: A }]);
  });

  it('prevotes a valid proposal, nil for an invalid one, and waits for a block that is not here (lines 22–26)', () => {
    expect(sent(feed(initialState, start, block(A), proposal(0, A)).effects)).toEqual([['prevote', 0, A]]);
    expect(sent(feed(initialState, start, block(A, false), proposal(0, A)).effects)).toEqual([
      ['prevote', 0, null],
    ]);
    expect(sent(feed(initialState, start, proposal(0, A)).effects)).toEqual([]);
    expect(sent(feed(initialState, start, proposal(0, A), block(A)).effects)).toEqual([['prevote', 0, A]]);
  });

  it('prevotes nil when the proposal does not come in time, once (line 57)', () => {
    const late = feed(
      initialState,
      start,
      timeout('propose', 0),
      timeout('propose', 0),
      block(A),
      proposal(0, A),
    );
    expect(sent(late.effects)).toEqual([['prevote', 0, null]]);
  });

  it('sends nothing before the start and catches up on what came early', () => {
    const early = feed(initialState, block(A), proposal(0, A), ...votes('prevote', 0, A, 1, 2, 3));
    expect(early.effects).toEqual([]);
    expect(sent(feed(early.state, start).effects)).toEqual([
      ['prevote', 0, A],
      ['precommit', 0, A],
    ]);
  });
});

describe('lock', () => {
  it('locks and precommits on a polka (lines 36–43)', () => {
    const state = lockedOnA();
    expect(state).toMatchObject({
      lockedValue: A,
      lockedRound: 0,
      validValue: A,
      validRound: 0,
      step: 'precommit',
    });
  });

  it('prevotes nil for another block while locked (line 26)', () => {
    const next = feed(lockedOnA(), ...votes('precommit', 0, null, 1, 2, 3), timeout('precommit', 0));
    expect(next.state.round).toBe(1);
    expect(sent(feed(next.state, block(B), proposal(1, B)).effects)).toEqual([['prevote', 1, null]]);
    expect(sent(feed(next.state, proposal(1, A)).effects)).toEqual([['prevote', 1, A]]);
  });

  it('gives way to a later polka, not to an earlier one (lines 28–32)', () => {
    const round2 = feed(lockedOnA(), ...votes('prevote', 2, null, 1, 2)).state;
    expect(round2.round).toBe(2);
    const shown = [block(B), ...votes('prevote', 1, B, 1, 2, 3), proposal(2, B, 1)];
    expect(sent(feed(round2, ...shown).effects)).toEqual([['prevote', 2, B]]);
    const unproved = [block(B), ...votes('prevote', 1, B, 1, 2), proposal(2, B, 1)];
    expect(sent(feed(round2, ...unproved).effects)).toEqual([]);
  });

  it('keeps a polka seen after precommitting nil as valid value and offers it again (lines 42–43, 16)', () => {
    const nil = feed(initialState, start, block(A), proposal(0, A), ...votes('prevote', 0, null, 1, 2, 3));
    expect(nil.state).toMatchObject({ step: 'precommit', lockedRound: -1 });
    const seen = feed(nil.state, ...votes('prevote', 0, A, 0, 1, 2));
    expect(seen.state).toMatchObject({ lockedRound: -1, validValue: A, validRound: 0 });
    const own = feed(seen.state, ...votes('prevote', 4, null, 1, 2));
    expect(own.effects).toContainEqual({ type: 'broadcastProposal', round: 4, validRound: 0, id: A });
  });

  it('is put back from the sign-state when the log is gone, never lowered', () => {
    expect(restoreLock(initialState, { round: 3, id: B })).toMatchObject({
      lockedValue: B,
      lockedRound: 3,
      validRound: 3,
    });
    expect(restoreLock(lockedOnA(), { round: -1, id: null }).lockedValue).toBe(A);
  });
});

describe('rounds', () => {
  it('schedules each timeout once (lines 34, 47) and moves on (line 65)', () => {
    const mixed = feed(
      initialState,
      start,
      timeout('propose', 0),
      ...votes('prevote', 0, A, 0, 1),
      ...votes('prevote', 0, null, 2, 3),
      timeout('prevote', 0),
      ...votes('precommit', 0, null, 0, 1),
      ...votes('precommit', 0, A, 2, 3),
      timeout('precommit', 0),
    );
    const timers = mixed.effects.filter((effect) => effect.type === 'scheduleTimeout');
    expect(timers.map(({ step: at, round }) => `${at}${round}`)).toEqual([
      'propose0',
      'prevote0',
      'precommit0',
      'propose1',
    ]);
    expect(mixed.state).toMatchObject({ round: 1, step: 'propose' });
  });

  it('skips to a round where f+1 are, not for one alone (line 55)', () => {
    const begun = feed(initialState, start).state;
    expect(feed(begun, ...votes('prevote', 5, A, 1)).state.round).toBe(0);
    expect(feed(begun, ...votes('prevote', 5, A, 1), ...votes('precommit', 5, B, 2)).state.round).toBe(5);
  });
});

describe('decision', () => {
  it('comes with +2/3 precommits of any round once the block is here (line 49)', () => {
    const waiting = feed(initialState, start, ...votes('precommit', 3, A, 1, 2, 3));
    expect(waiting.effects).toContainEqual({ type: 'wantBlock', id: A });
    const decided = feed(waiting.state, block(A));
    expect(decided.effects.at(-1)).toEqual({ type: 'decide', round: 3, id: A });
    expect(feed(decided.state, proposal(4, B)).effects).toEqual([]);
  });

  it('never comes from two votes of one validator, or for a block that is not valid', () => {
    const twice = [...votes('precommit', 0, A, 1, 2), ...votes('precommit', 0, A, 2)];
    expect(feed(initialState, start, block(A), ...twice).state.step).not.toBe('decided');
    const invalid = [block(B, false), ...votes('precommit', 0, B, 1, 2, 3)];
    expect(feed(initialState, start, ...invalid).state.step).not.toBe('decided');
  });

  it('weighs votes by power', () => {
    const heavy: MachineConfig = { ...config, powers: [1n, 1n, 1n, 7n] };
    let state = step(heavy, initialState, block(A)).state;
    for (const event of votes('precommit', 0, A, 0, 1, 2)) state = step(heavy, state, event).state;
    expect(state.step).not.toBe('decided');
    expect(step(heavy, state, votes('precommit', 0, A, 3)[0]!).state.step).toBe('decided');
  });
});

it('timeouts grow with the round, by a minute at most', () => {
  const timing = {
    ...{ blockTimeMs: 1_000, proposeTimeoutMs: 3_000, timeoutDeltaMs: 500 },
    ...{ prevoteTimeoutMs: 1_000, precommitTimeoutMs: 1_000 },
  };
  const proposes = [0, 1, 10, 120, 121, 100_000].map((round) => timeoutMs(timing, 'propose', round));
  expect(proposes).toEqual([3_000, 3_500, 8_000, 63_000, 63_000, 63_000]);
});

describe('a timeout is not waited for', () => {
  const after = (...events: MachineEvent[]) =>
    idleTimeout(config, feed(initialState, start, block(A), proposal(0, A), ...events).state);

  it('when all prevotes are in and no block has a quorum of them', () => {
    const split = [...votes('prevote', 0, A, 0, 1), ...votes('prevote', 0, null, 2)];
    expect(after(...split)).toBeUndefined();
    expect(after(...split, ...votes('prevote', 0, null, 3))).toBe('prevote');
    expect(after(...votes('prevote', 0, B, 1, 2, 3), ...votes('prevote', 0, A, 0))).toBeUndefined();
  });

  it('when all precommits are in and all are nil', () => {
    const nil = [...votes('prevote', 0, null, 1, 2, 3), ...votes('precommit', 0, null, 0, 1, 2)];
    expect(after(...nil)).toBeUndefined();
    expect(after(...nil, ...votes('precommit', 0, null, 3))).toBe('precommit');
    expect(after(...nil, ...votes('precommit', 0, A, 3))).toBeUndefined();
  });
});
