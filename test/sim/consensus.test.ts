import { describe, expect, it } from 'vitest';
import { blsScheme } from '../../chain/consensus/index.ts';
import { cheapScheme } from './support/cheap-scheme.ts';
import { runSeeds } from './support/range.ts';
import { runSchedule } from './support/world.ts';

/** `SIM_SEED=17` replays one schedule; `SIM_SCHEDULES` sets how many are run. */
const only = process.env.SIM_SEED;
const count = Number(process.env.SIM_SCHEDULES ?? 1000);
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(only)];

describe('consensus under faulty networks, clocks, disks and validators', () => {
  it(`keeps one chain, signs once and goes on when calm: ${seeds.length} schedules`, async () => {
    const totals = await runSeeds(seeds, cheapScheme);
    expect(totals.schedules).toBe(seeds.length);
    console.log(
      `${totals.schedules} schedules: ${totals.heights} heights, ${totals.crashes} crashes, ` +
        `${totals.evidence} proofs of equivocation, ${Math.round(totals.virtualSeconds)} virtual seconds`,
    );
  }, 600_000);

  it('does so with BLS signatures too', async () => {
    await runSeeds(seeds.slice(0, 4), blsScheme);
  }, 300_000);

  it('replays a seed exactly', async () => {
    for (const seed of seeds.slice(0, 12)) {
      const first = await runSchedule(seed, cheapScheme);
      const again = await runSchedule(seed, cheapScheme);
      expect(again, `seed ${seed}`).toEqual(first);
      expect(first.events).toBeGreaterThan(0);
    }
  }, 300_000);
});
