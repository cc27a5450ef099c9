/** A cheat and honesty in the same market, by the same seed. */
import type { Party, Strategy } from './strategy.ts';
import { HONEST } from './strategy.ts';
import { TRAIN } from './terms.ts';
import { createWorld, type Outcome, type Setting, standard } from './world.ts';

/** More of them: `CHEAT_ROUNDS=20000 npx vitest run test/cheats`. */
export const ROUNDS = Number(process.env.CHEAT_ROUNDS ?? 1_000);

export interface Comparison {
  readonly cheat: Outcome;
  readonly honest: Outcome;
  /** Wei that cheating brings beyond honesty. */
  readonly gain: bigint;
}

const baselines = new Map<Setting, Map<string, Outcome>>();

export function honestly(party: Party, setting: Setting): Outcome {
  const known = baselines.get(setting) ?? new Map<string, Outcome>();
  baselines.set(setting, known);
  const key = JSON.stringify(party);
  const outcome = known.get(key) ?? createWorld(setting, { ...HONEST, party }).run();
  known.set(key, outcome);
  return outcome;
}

export function compare(strategy: Strategy, setting: Setting): Comparison {
  const cheat = createWorld(setting, strategy).run();
  const honest = honestly(strategy.party, setting);
  return { cheat, honest, gain: cheat.earned - honest.earned };
}

export const settingOf = (changes: Partial<Setting> = {}): Setting => ({
  ...standard,
  rounds: ROUNDS,
  ...changes,
});

/** Whole TRAIN, for people. */
export const inTrain = (wei: bigint): string => {
  const rounded = (wei < 0n ? wei - TRAIN / 2n : wei + TRAIN / 2n) / TRAIN;
  return String(rounded).replace(/\B(?=(\d{3})+$)/g, ' ');
};
