import { describe, expect, test } from 'vitest';
import { type Hex, type SeededRandom, seededRandom, sha256, toHex, utf8 } from '../../core/index.ts';
import { newRound, stepRound } from '../../worker/round.ts';
import {
  type Claim,
  type Contribution,
  claimKey,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
} from '../../worker/roundTypes.ts';

const TIMEOUT_MS = 4_000;
const TICK_MS = 100;
const REPEAT_MS = 500;
const hashOf = (text: string): Hex => toHex(sha256(utf8(text)));
const endOf = (round: number, slot: number): Hex => hashOf(`end ${round} ${slot}`);

function meanOf(round: number, contributors: readonly number[]): Claim {
  const stateRoot = hashOf(`mean ${round} ${contributors.join()}`);
  return { round, stateRoot, stateCid: `cid ${stateRoot}`, contributors: [...contributors], lossQ16: 7 };
}

interface Submission {
  atMs: number;
  slot: number;
  claim: Claim;
  signatures: number;
}

interface Scenario {
  workers: number;
  round?: number;
  /** Milliseconds of training by slot; Infinity: never done. */
  trainMs: readonly number[];
  /** When a slot dies. */
  diesAtMs?: readonly number[];
  random?: SeededRandom;
  /** Share of messages lost, percent. */
  lossPercent?: number;
  untilMs?: number;
}

/** Runs one round of several machines in virtual time; arithmetic is replaced by names of its results. */
function simulate(scenario: Scenario): Submission[] {
  const { workers, round = 0, random, lossPercent = 0, untilMs = 30_000 } = scenario;
  const queue: { atMs: number; run: () => void }[] = [];
  const submissions: Submission[] = [];
  let nowMs = 0;
  const later = (delayMs: number, run: () => void) => void queue.push({ atMs: nowMs + delayMs, run });
  const delay = () => 5 + (random?.below(120) ?? 0);
  const isAlive = (slot: number) => nowMs < (scenario.diesAtMs?.[slot] ?? Number.POSITIVE_INFINITY);
  const machines: RoundState[] = Array.from({ length: workers }, (_, slot) =>
    newRound({ round, workers, slot, roundTimeoutMs: TIMEOUT_MS, attemptMs: 1_000, submitPatienceMs: 1_000 }),
  );
  const outboxes = machines.map(() => new Map<string, RoundEvent>());

  const feed = (slot: number, event: RoundEvent): void => {
    if (!isAlive(slot)) return;
    const step = stepRound(machines[slot]!, event);
    machines[slot] = step.state;
    for (const effect of step.effects) perform(slot, effect);
  };
  const broadcast = (slot: number, event: RoundEvent): void => {
    for (let other = 0; other < workers; other++) {
      if (other === slot || (random?.chance(lossPercent, 100) ?? false)) continue;
      later(delay(), () => feed(other, event));
    }
  };
  const perform = (slot: number, effect: RoundEffect): void => {
    switch (effect.type) {
      case 'train': {
        const contribution: Contribution = {
          slot,
          stateRoot: endOf(round, slot),
          lossQ16: 7,
          peerId: `${slot}`,
        };
        const ms = scenario.trainMs[slot]!;
        if (Number.isFinite(ms)) later(ms, () => feed(slot, { type: 'trained', contribution }));
        return;
      }
      case 'publishContribution':
        outboxes[slot]!.set('contribution', { type: 'contribution', contribution: effect.contribution });
        broadcast(slot, { type: 'contribution', contribution: effect.contribution });
        return;
      case 'fetch': {
        const { stateRoot, slot: owner } = effect.contribution;
        const failed = !isAlive(owner) || (random?.chance(lossPercent, 100) ?? false);
        later(delay(), () => feed(slot, { type: failed ? 'fetchFailed' : 'held', stateRoot }));
        return;
      }
      case 'average': {
        const claim = meanOf(
          round,
          effect.contributors.map((entry) => entry.slot),
        );
        later(delay(), () => feed(slot, { type: 'averaged', claim }));
        return;
      }
      case 'attest': {
        const signature = hashOf(`${slot} ${claimKey(effect.claim)}`);
        const event: RoundEvent = { type: 'claim', slot, claim: effect.claim, signature };
        outboxes[slot]!.set(claimKey(effect.claim), event);
        feed(slot, event);
        broadcast(slot, event);
        return;
      }
      case 'submit':
        submissions.push({ atMs: nowMs, slot, claim: effect.claim, signatures: effect.signatures.length });
    }
  };

  machines.forEach((_, slot) => {
    feed(slot, { type: 'started', nowMs: 0 });
    for (let atMs = TICK_MS; atMs < untilMs; atMs += TICK_MS) {
      later(atMs, () => {
        feed(slot, { type: 'tick', nowMs });
        if (nowMs % REPEAT_MS === 0 && isAlive(slot))
          for (const event of outboxes[slot]!.values()) broadcast(slot, event);
      });
    }
  });
  while (queue.length > 0 && submissions.length === 0) {
    queue.sort((a, b) => a.atMs - b.atMs);
    const next = queue.shift()!;
    nowMs = next.atMs;
    next.run();
  }
  return submissions;
}

describe('a slot that claims every subset', () => {
  const flood = (from: number): { state: RoundState; averages: number } => {
    const parameters = { round: 0, workers: 7, slot: 1, roundTimeoutMs: 1, attemptMs: 1_000_000 };
    let state = newRound({ ...parameters, submitPatienceMs: 1_000 });
    let averages = 0;
    const feed = (event: RoundEvent): void => {
      const step = stepRound(state, event);
      state = step.state;
      averages += step.effects.filter(({ type }) => type === 'average').length;
    };
    feed({ type: 'started', nowMs: 0 });
    for (let slot = 0; slot < 7; slot++) {
      const contribution: Contribution = { slot, stateRoot: endOf(0, slot), lossQ16: 7, peerId: `${slot}` };
      feed(slot === 1 ? { type: 'trained', contribution } : { type: 'contribution', contribution });
      feed({ type: 'held', stateRoot: contribution.stateRoot });
    }
    feed({ type: 'tick', nowMs: 10 });
    for (let bits = 1; bits < 128; bits++) {
      const chosen = [0, 1, 2, 3, 4, 5, 6].filter((slot) => (bits >> slot) & 1);
      feed({ type: 'claim', slot: from, claim: meanOf(0, chosen), signature: hashOf(`${bits}`) });
    }
    return { state, averages };
  };

  test('makes others average a few of them only', () => {
    const { state, averages } = flood(2);
    expect(averages).toBeLessThanOrEqual(9);
    expect(state.claims.size).toBeLessThanOrEqual(8);
  });

  test('does not keep an honest claim from being judged', () => {
    const claim = meanOf(0, [0, 1, 2, 3, 4, 5, 6]);
    const { state } = flood(2);
    const known = stepRound(state, { type: 'claim', slot: 0, claim, signature: hashOf('honest') }).state;
    const step = stepRound(known, { type: 'averaged', claim });
    expect(step.effects).toContainEqual({ type: 'attest', claim });
  });
});

describe('a training round', () => {
  test('with everyone there is submitted once by its leader, long before the time-out', () => {
    for (let round = 0; round < 4; round++) {
      const [first, ...rest] = simulate({ workers: 3, round, trainMs: [200, 300, 400] });
      expect(rest).toEqual([]);
      expect(first).toMatchObject({ slot: round % 3, claim: meanOf(round, [0, 1, 2]) });
      expect(first!.signatures).toBeGreaterThanOrEqual(2);
      expect(first!.atMs).toBeLessThan(TIMEOUT_MS);
    }
  });

  test('a slot that never finishes is left out at the time-out', () => {
    const [first] = simulate({ workers: 3, trainMs: [200, Number.POSITIVE_INFINITY, 400] });
    expect(first!.claim).toEqual(meanOf(0, [0, 2]));
    expect(first!.atMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
    expect(first!.atMs).toBeLessThan(2 * TIMEOUT_MS);
  });

  test('a leader that dies before it proposes is replaced', () => {
    const [first] = simulate({ workers: 3, trainMs: [200, 300, 900], diesAtMs: [600] });
    expect(first!.slot).not.toBe(0);
    expect(first!.claim).toEqual(meanOf(0, [0, 1, 2]));
  });

  test('a leader that never appears is replaced after the time-out', () => {
    const [first] = simulate({ workers: 3, trainMs: [200, 300, 400], diesAtMs: [0] });
    expect(first!.claim).toEqual(meanOf(0, [1, 2]));
  });

  test('without a majority nothing is submitted', () => {
    expect(simulate({ workers: 3, trainMs: [200, 300, 400], diesAtMs: [0, 0] })).toEqual([]);
  });

  test('one worker alone is its own majority', () => {
    const [first] = simulate({ workers: 1, trainMs: [10] });
    expect(first).toMatchObject({ slot: 0, claim: meanOf(0, [0]), signatures: 1 });
  });

  test('200 schedules with delays, losses and a crash all reach an honest mean with a majority', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seededRandom(utf8(`round schedule ${seed}`));
      const workers = 3 + random.below(3);
      const dead = random.below(workers);
      const [first] = simulate({
        workers,
        round: random.below(100),
        trainMs: Array.from({ length: workers }, () => random.below(3_000)),
        diesAtMs: Array.from({ length: workers }, (_, slot) =>
          slot === dead ? random.below(6_000) : Number.POSITIVE_INFINITY,
        ),
        random,
        lossPercent: random.below(30),
      });
      expect(first, `seed ${seed}`).toBeDefined();
      const { claim, signatures } = first!;
      expect(claim, `seed ${seed}`).toEqual(meanOf(claim.round, claim.contributors));
      expect(signatures).toBeGreaterThan(workers / 2);
    }
  });
});

describe('what peers send', () => {
  const parameters = {
    round: 3,
    workers: 3,
    slot: 1,
    roundTimeoutMs: 4_000,
    attemptMs: 1_000,
    submitPatienceMs: 0,
  };
  const begun = stepRound(newRound(parameters), { type: 'started', nowMs: 0 }).state;
  const contribution = { slot: 0, stateRoot: endOf(3, 0), lossQ16: 1, peerId: 'a' };

  test('a slot cannot change its end state', () => {
    const { state } = stepRound(begun, { type: 'contribution', contribution });
    const changed = { ...contribution, stateRoot: hashOf('another') };
    const step = stepRound(state, { type: 'contribution', contribution: changed });
    expect(step).toEqual({ state, effects: [] });
  });

  test('a mean that differs from the own one is not signed', () => {
    let state = begun;
    for (const slot of [0, 2]) {
      const entry = { ...contribution, slot, stateRoot: endOf(3, slot) };
      state = stepRound(state, { type: 'contribution', contribution: entry }).state;
      state = stepRound(state, { type: 'held', stateRoot: entry.stateRoot }).state;
    }
    const forged = { ...meanOf(3, [0, 2]), stateRoot: hashOf('forged') };
    const asked = stepRound(state, { type: 'claim', slot: 0, claim: forged, signature: '0x' });
    expect(asked.effects).toMatchObject([{ type: 'average' }]);
    const answered = stepRound(asked.state, { type: 'averaged', claim: meanOf(3, [0, 2]) });
    expect(answered.effects).toEqual([]);
  });

  test('before the time-out nobody may be left out; after it they may', () => {
    let state = begun;
    for (const slot of [0, 1, 2]) {
      const entry = { ...contribution, slot, stateRoot: endOf(3, slot) };
      state =
        slot === 1
          ? stepRound(state, { type: 'trained', contribution: entry }).state
          : stepRound(state, { type: 'contribution', contribution: entry }).state;
      state = stepRound(state, { type: 'held', stateRoot: entry.stateRoot }).state;
    }
    state = stepRound(state, { type: 'averaged', claim: meanOf(3, [0, 2]) }).state;
    const early = stepRound(state, { type: 'claim', slot: 0, claim: meanOf(3, [0, 2]), signature: '0x' });
    expect(early.effects.filter(({ type }) => type === 'attest')).toEqual([]);
    const late = stepRound(early.state, { type: 'tick', nowMs: 4_000 });
    expect(late.effects).toContainEqual({ type: 'attest', claim: meanOf(3, [0, 2]) });
  });

  test('other rounds, slots that do not exist and claims of them change nothing', () => {
    const foreign = stepRound(begun, { type: 'claim', slot: 0, claim: meanOf(4, [0]), signature: '0x' });
    const outside = stepRound(begun, { type: 'claim', slot: 9, claim: meanOf(3, [0]), signature: '0x' });
    const nobody = stepRound(begun, { type: 'contribution', contribution: { ...contribution, slot: 7 } });
    for (const step of [foreign, outside, nobody]) expect(step).toEqual({ state: begun, effects: [] });
  });
});
