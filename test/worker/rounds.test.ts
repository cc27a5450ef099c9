import { describe, expect, test } from 'vitest';
import { type SeededRandom, seededRandom, utf8 } from '../../core/index.ts';
import { type Fault, type FaultKind, isChain, runRounds, TIMEOUT_MS } from './support/rounds.ts';

const contributorsOf = (fixed: ReturnType<typeof runRounds>) => fixed.map(({ claim }) => claim.contributors);
/** Longest time from one fixed round to the next. */
const longestGap = (fixed: ReturnType<typeof runRounds>) =>
  Math.max(...fixed.map(({ atMs }, i) => atMs - (fixed[i - 1]?.atMs ?? 0)));

const MENDS: Record<string, FaultKind> = { kill: 'revive', pause: 'resume', cut: 'mend' };
const KINDS: FaultKind[] = ['kill', 'pause', 'cut'];

describe('one of three workers', () => {
  test.each(KINDS)(
    '%s mid round: the others finish within the time-out, it is back in the next one',
    (kind) => {
      for (const slot of [0, 1, 2]) {
        const faults: Fault[] = [
          { atMs: 300, slot, kind },
          { atMs: 12_000, slot, kind: MENDS[kind]! },
        ];
        const fixed = runRounds({ workers: 3, faults, untilMs: 30_000 });
        expect(isChain(fixed)).toBe(true);
        const others = [0, 1, 2].filter((other) => other !== slot);
        expect(fixed[0]!.claim.contributors).toEqual(others);
        // A quarter of the time-out for each leader that is away, and a turn of submitting.
        expect(fixed[0]!.atMs).toBeLessThan(TIMEOUT_MS * 1.5);
        const back = fixed.findIndex(({ atMs }) => atMs > 12_000);
        const joined = fixed.findIndex(({ claim }, i) => i >= back && claim.contributors.length === 3);
        expect(joined - back).toBeLessThanOrEqual(1);
        expect(contributorsOf(fixed.slice(joined))).toEqual(fixed.slice(joined).map(() => [0, 1, 2]));
      }
    },
  );
});

test('killed at any instant of a round, and back at once: no round is lost, no state differs', () => {
  for (let atMs = 0; atMs < 4_000; atMs += 125) {
    for (const slot of [0, 1, 2]) {
      const faults: Fault[] = [
        { atMs, slot, kind: 'kill' },
        { atMs: atMs + 1_000, slot, kind: 'revive' },
      ];
      const fixed = runRounds({ workers: 3, faults, untilMs: 25_000 });
      expect(isChain(fixed), `slot ${slot} at ${atMs}`).toBe(true);
      expect(fixed.length, `slot ${slot} at ${atMs}`).toBeGreaterThan(3);
      expect(fixed.at(-1)!.claim.contributors, `slot ${slot} at ${atMs}`).toEqual([0, 1, 2]);
    }
  }
});

test('all killed at any instant: the job goes on from the last fixed round', () => {
  for (let atMs = 0; atMs < 4_000; atMs += 125) {
    const kill = [0, 1, 2].map((slot): Fault => ({ atMs, slot, kind: 'kill' }));
    const revive = [0, 1, 2].map((slot): Fault => ({ atMs: atMs + 5_000, slot, kind: 'revive' }));
    const before = runRounds({ workers: 3, faults: kill, untilMs: 60_000 });
    const fixed = runRounds({ workers: 3, faults: [...kill, ...revive], untilMs: 25_000 });
    expect(fixed.slice(0, before.length)).toEqual(before);
    expect(isChain(fixed), `at ${atMs}`).toBe(true);
    expect(fixed.length, `at ${atMs}`).toBeGreaterThan(before.length + 2);
  }
});

test('without a majority nothing is fixed, and what was fixed stays', () => {
  const lost = [1, 2].map((slot): Fault => ({ atMs: 5_000, slot, kind: 'kill' }));
  const fixed = runRounds({ workers: 3, faults: lost, untilMs: 100_000 });
  expect(fixed.length).toBeGreaterThan(0);
  expect(fixed.every(({ atMs }) => atMs < 6_000)).toBe(true);
});

test('two halves that cannot see each other fix nothing; healed, they go on together', () => {
  const cut = [0, 1].map((slot): Fault => ({ atMs: 4_000, slot, kind: 'cut' }));
  const mend = [0, 1].map((slot): Fault => ({ atMs: 40_000, slot, kind: 'mend' }));
  const fixed = runRounds({ workers: 4, faults: [...cut, ...mend], untilMs: 60_000 });
  expect(isChain(fixed)).toBe(true);
  expect(fixed.filter(({ atMs }) => atMs > 5_000 && atMs < 40_000)).toEqual([]);
  expect(fixed.at(-1)!.claim.contributors).toEqual([0, 1, 2, 3]);
});

/** Minorities that are killed, paused or cut off one after the other, for `forMs`. */
function troubles(random: SeededRandom, workers: number, forMs: number): Fault[] {
  const faults: Fault[] = [];
  const lanes = Math.floor((workers - 1) / 2);
  for (let lane = 0; lane < lanes; lane++) {
    // Each lane has slots of its own, so that a majority is well at any time.
    const slots = Array.from({ length: workers }, (_, slot) => slot).filter((slot) => slot % lanes === lane);
    for (let atMs = random.below(3_000); atMs < forMs; ) {
      const slot = random.pick(slots);
      const kind = random.pick(KINDS);
      const downMs = 200 + random.below(12_000);
      faults.push({ atMs, slot, kind }, { atMs: atMs + downMs, slot, kind: MENDS[kind]! });
      atMs += downMs + random.below(4_000);
    }
  }
  return faults;
}

test('120 schedules of troubles: every fixed round is honest, none takes four time-outs, all are back at the end', () => {
  for (let seed = 0; seed < 120; seed++) {
    const random = seededRandom(utf8(`training troubles ${seed}`));
    const workers = 3 + random.below(3);
    const faults = troubles(random, workers, 60_000);
    const fixed = runRounds({
      workers,
      faults,
      untilMs: 110_000,
      random,
      trainMs: 300 + random.below(1_500),
    });
    expect(isChain(fixed), `seed ${seed}`).toBe(true);
    expect(longestGap(fixed), `seed ${seed}`).toBeLessThan(4 * TIMEOUT_MS);
    expect(fixed.at(-1)!.claim.contributors, `seed ${seed}`).toHaveLength(workers);
  }
});
