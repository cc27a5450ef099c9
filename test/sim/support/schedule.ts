/** What goes wrong in one simulated run, drawn from its seed. */
import type { ConsensusTiming } from '../../../chain/consensus/index.ts';
import type { SeededRandom } from '../../../core/index.ts';
import { cheapRandom } from './chance.ts';
import { type Deed, drawDeeds } from './deeds.ts';

/** One process is ended: as by kill -9 (what it wrote stays), by a power cut (unsynced writes may go), or in good order. */
export type Ending = 'kill' | 'power' | 'stop';

/** Several processes end at one instant. */
export interface Strike {
  /** After the start. */
  atMs: number;
  nodes: number[];
  ending: Ending;
}

/** A wall clock against virtual time: `offsetMs` holds from `atMs` after the start on; the clock also runs at `rate`. */
export interface Skew {
  rate: number;
  steps: { atMs: number; offsetMs: number }[];
}

export interface Schedule {
  seed: number;
  random: SeededRandom;
  powers: bigint[];
  /** In the storm, per cent of messages. */
  dropPercent: number;
  /** On top of that, of precommits: blocks are locked but not decided, and rounds go by. */
  precommitDropPercent: number;
  /** Likewise of prevotes: some see a polka and lock, others do not. */
  prevoteDropPercent: number;
  /**
   * The case that locks are for: in the storm, `lucky` decides in round 0 alone, since its precommit reaches nobody;
   * `blind` sees neither proposal nor polka and offers another block later; nobody catches up.
   */
  trap: { lucky: number; blind: number } | null;
  duplicatePercent: number;
  maxDelayMs: number;
  stormMs: number;
  timing: ConsensusTiming;
  /** Windows of this length in which the network is split at random; 0 for none. */
  partitionMs: number;
  /** Whether what a node accepts is passed on in the storm; it always is when calm. */
  relayInStorm: boolean;
  /** By validator: disk operations before each of its deaths, in turn; the last life is not cut. */
  crashes: number[][];
  strikes: Strike[];
  downMs: number;
  /** By validator. */
  skews: Skew[];
  /** Never starts. */
  deadNode: number | null;
  /** Runs twice with one key: it contradicts itself without knowing. */
  twinNode: number | null;
  /** Its clock is wrong by minutes for ever. */
  wildClockNode: number | null;
  /** A new node without a key that starts so late and takes the chain from the others. */
  followerAtMs: number | null;
  byzantine: { node: number; deeds: ReadonlySet<Deed> } | null;
}

export const VALIDATORS = 4;
const STEADY: ConsensusTiming = {
  blockTimeMs: 1000,
  proposeTimeoutMs: 2000,
  prevoteTimeoutMs: 1000,
  precommitTimeoutMs: 1000,
  timeoutDeltaMs: 500,
};
/** Many rounds in a storm: locks meet each other. */
const QUICK: ConsensusTiming = {
  blockTimeMs: 500,
  proposeTimeoutMs: 500,
  prevoteTimeoutMs: 250,
  precommitTimeoutMs: 250,
  timeoutDeltaMs: 100,
};
const ALL = Array.from({ length: VALIDATORS }, (_, index) => index);
const FAULTS = ['none', 'dead', 'twin', 'clock', 'byzantine', 'byzantine', 'byzantine', 'byzantine'] as const;
/** Two clocks may differ by twice as much and still be within what block timestamps allow. */
const CALM_SKEW_MS = 4_000;
const WILD_SKEW_MS = [-3_600_000, -60_000, -15_000, 15_000, 60_000, 3_600_000];

export function drawSchedule(seed: number): Schedule {
  const random = cheapRandom(seed);
  const fault = random.pick(FAULTS);
  const faulty = random.below(VALIDATORS);
  const honest = ALL.filter((index) => fault !== 'byzantine' || index !== faulty);
  const [lucky, blind] = random.shuffle(honest) as [number, number];
  const isTrap = random.chance(1, 3);
  const stormMs = isTrap ? 6000 : random.pick([1500, 3000, 3000, 6000, 9000]);
  const isFaulty = (kind: (typeof FAULTS)[number]) => (fault === kind ? faulty : null);
  const powers = drawPowers(random, fault === 'none' ? null : faulty);
  return {
    seed,
    random,
    powers,
    dropPercent: isTrap ? 0 : random.pick([0, 5, 20, 40]),
    precommitDropPercent: isTrap ? 0 : random.pick([0, 0, 50, 80]),
    prevoteDropPercent: isTrap ? 0 : random.pick([0, 0, 20, 40]),
    trap: isTrap ? { lucky, blind } : null,
    duplicatePercent: random.pick([0, 10]),
    maxDelayMs: isTrap ? 100 : random.pick([20, 300, 1500, 4000]),
    stormMs,
    timing: isTrap ? QUICK : random.pick([STEADY, QUICK]),
    partitionMs: isTrap ? 0 : random.pick([0, 0, 1500, 4000]),
    relayInStorm: random.chance(2, 3),
    ...drawCrashes(random, stormMs),
    downMs: random.pick([1, 500, 5000]),
    skews: drawSkews(random, stormMs, isFaulty('clock')),
    deadNode: isFaulty('dead'),
    twinNode: isFaulty('twin'),
    wildClockNode: isFaulty('clock'),
    followerAtMs: isTrap ? null : drawFollower(seed, stormMs),
    byzantine: fault === 'byzantine' ? { node: faulty, deeds: drawDeeds(random, isTrap) } : null,
  };
}

/** Of its own stream, so that the rest of a schedule does not depend on it. */
function drawFollower(seed: number, stormMs: number): number | null {
  const random = cheapRandom(seed + 0x5eed);
  return random.chance(1, 4) ? random.below(stormMs + 4000) : null;
}

/** Uneven, as long as the faulty one has less than a third. */
function drawPowers(random: SeededRandom, faulty: number | null): bigint[] {
  const powers = ALL.map(() => BigInt(8 + random.below(5)));
  const total = powers.reduce((sum, power) => sum + power, 0n);
  const isEven = faulty !== null && (random.chance(1, 2) || 3n * powers[faulty]! >= total);
  return isEven ? ALL.map(() => 10n) : powers;
}

function drawCrashes(random: SeededRandom, stormMs: number): Pick<Schedule, 'crashes' | 'strikes'> {
  const lives = (): number[] => {
    if (random.chance(1, 2)) return [];
    // A crash loop: hardly up, down again.
    if (random.chance(1, 6)) return Array.from({ length: 8 }, () => 1 + random.below(6));
    return Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(80));
  };
  const strikes = Array.from({ length: random.pick([0, 0, 0, 1, 2]) }, () => ({
    atMs: random.below(stormMs + 2000),
    nodes: random.shuffle(ALL).slice(0, random.pick([1, 2, 3, 4, 4])),
    ending: random.pick(['kill', 'power', 'power', 'stop'] as const),
  }));
  return { crashes: ALL.map(lives), strikes };
}

function drawSkews(random: SeededRandom, stormMs: number, wild: number | null): Skew[] {
  const bounded = () => random.below(2 * CALM_SKEW_MS + 1) - CALM_SKEW_MS;
  const jumps = random.chance(1, 3);
  // Several clocks that jump as one: a time server that is wrong.
  const common = random.chance(1, 2) ? random.pick(WILD_SKEW_MS) : null;
  return ALL.map((validator) => {
    const own = validator === wild ? random.pick(WILD_SKEW_MS) : bounded();
    const inStorm =
      jumps && random.chance(2, 3)
        ? [{ atMs: random.below(stormMs), offsetMs: common ?? random.pick(WILD_SKEW_MS) }]
        : [];
    const steps = [{ atMs: 0, offsetMs: own }, ...inStorm, { atMs: stormMs, offsetMs: own }];
    return { rate: random.pick([1, 1, 0.95, 1.05]), steps };
  });
}
