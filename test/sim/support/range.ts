/** Runs schedules one after another, up to the first that fails. */
import type { SignatureScheme } from '../../../chain/consensus/index.ts';
import { FedaiError } from '../../../core/index.ts';
import { type Report, runSchedule } from './world.ts';

export interface Totals {
  schedules: number;
  heights: number;
  crashes: number;
  evidence: number;
  virtualSeconds: number;
}

export const NOTHING: Totals = { schedules: 0, heights: 0, crashes: 0, evidence: 0, virtualSeconds: 0 };

export const addTotals = (a: Totals, b: Totals): Totals => ({
  schedules: a.schedules + b.schedules,
  heights: a.heights + b.heights,
  crashes: a.crashes + b.crashes,
  evidence: a.evidence + b.evidence,
  virtualSeconds: a.virtualSeconds + b.virtualSeconds,
});

const totalsOf = ({ heights, crashes, evidence, virtualMs }: Report): Totals => ({
  schedules: 1,
  heights,
  crashes,
  evidence,
  virtualSeconds: virtualMs / 1000,
});

export const replayCommand = (seed: number): string => `SIM_SEED=${seed} npx vitest run test/sim`;

/** Throws `SCHEDULE_FAILED` with the seed and the command that replays it. */
export async function runSeeds(seeds: Iterable<number>, scheme: SignatureScheme): Promise<Totals> {
  let totals = NOTHING;
  for (const seed of seeds) {
    try {
      totals = addTotals(totals, totalsOf(await runSchedule(seed, scheme)));
    } catch (cause) {
      throw new FedaiError(
        'SCHEDULE_FAILED',
        `${describe(cause)}; replay it: ${replayCommand(seed)}`,
        { seed },
        { cause },
      );
    }
  }
  return totals;
}

function describe(cause: unknown): string {
  if (!(cause instanceof FedaiError)) return `${cause instanceof Error ? cause.stack : cause}`;
  const data = JSON.stringify(cause.data, (_key, value) => (typeof value === 'bigint' ? `${value}` : value));
  return `${cause.code}: ${cause.message} ${data.slice(0, 1500)}`;
}
