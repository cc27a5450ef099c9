/** What goes wrong in one simulated run, drawn from its seed. */
import { type SeededRandom, seededRandom, uintBytes } from '../../../core/index.ts';

export interface Schedule {
  seed: number;
  random: SeededRandom;
  powers: bigint[];
  /** In the storm, per cent of messages. */
  dropPercent: number;
  /** On top of that, of precommits: blocks are locked but not decided, and rounds go by. */
  precommitDropPercent: number;
  /**
   * The case that locks are for: in the storm, `lucky` decides in round 0 alone, since its precommit reaches nobody;
   * `blind` sees neither proposal nor polka and offers another block later; nobody catches up.
   */
  trap: { lucky: number; blind: number } | null;
  duplicatePercent: number;
  maxDelayMs: number;
  stormMs: number;
  /** Windows of this length in which the network is split at random; 0 for none. */
  partitionMs: number;
  /** Disk operations before each of this node's deaths, in turn; the last life is not cut. */
  crashes: number[];
  crashNode: number;
  downMs: number;
  /** Never starts. */
  deadNode: number | null;
  /** Runs twice with one key: it contradicts itself without knowing. */
  twinNode: number | null;
}

export const VALIDATORS = 4;

export function drawSchedule(seed: number): Schedule {
  const random = seededRandom(uintBytes(seed, 8));
  const fault = random.pick(['none', 'none', 'dead', 'twin'] as const);
  const faulty = random.below(VALIDATORS);
  const [lucky, blind] = random.shuffle([0, 1, 2, 3]) as [number, number];
  const even = fault !== 'none' || random.chance(1, 2);
  const isTrap = random.chance(1, 3);
  return {
    seed,
    random,
    powers: Array.from({ length: VALIDATORS }, () => (even ? 10n : BigInt(8 + random.below(5)))),
    dropPercent: isTrap ? 0 : random.pick([0, 5, 20, 40]),
    precommitDropPercent: isTrap ? 0 : random.pick([0, 0, 50, 80]),
    trap: isTrap ? { lucky, blind } : null,
    duplicatePercent: random.pick([0, 10]),
    maxDelayMs: isTrap ? 300 : random.pick([20, 300, 1500, 4000]),
    stormMs: random.pick([3000, 8000, 20_000]),
    partitionMs: isTrap ? 0 : random.pick([0, 0, 1500, 4000]),
    crashes: Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(80)),
    crashNode: (faulty + 1 + random.below(VALIDATORS - 1)) % VALIDATORS,
    downMs: random.pick([1, 500, 5000]),
    deadNode: fault === 'dead' ? faulty : null,
    twinNode: fault === 'twin' ? faulty : null,
  };
}
