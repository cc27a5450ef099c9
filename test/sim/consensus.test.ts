import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { blsScheme } from '../../chain/consensus/index.ts';
import { cheapScheme } from './support/cheap-scheme.ts';
import { startPool } from './support/pool.ts';
import { runSeeds } from './support/range.ts';
import { runSchedule } from './support/world.ts';

/** `SIM_SEED=17` replays one schedule; `SIM_SCHEDULES` sets how many are run. */
const only = process.env.SIM_SEED;
const first = Number(only ?? 1);
const count = only === undefined ? Number(process.env.SIM_SCHEDULES ?? 1000) : 1;
const someSeeds = Array.from({ length: Math.min(4, count) }, (_, i) => first + i);

describe('consensus under faulty networks, clocks, disks and validators', () => {
  it(`keeps one chain, signs once and goes on when calm: ${count} schedules`, async () => {
    const pool = startPool(first, count, Math.min(2, availableParallelism()));
    await pool.finished;
    const { totals, failure } = pool;
    expect(failure).toBeUndefined();
    expect(totals.schedules).toBe(count);
    console.log(
      `${totals.schedules} schedules: ${totals.heights} heights, ${totals.crashes} crashes, ` +
        `${totals.evidence} proofs of equivocation, ${Math.round(totals.virtualSeconds)} virtual seconds`,
    );
  }, 900_000);

  it('does so with BLS signatures too', async () => {
    await runSeeds(someSeeds, blsScheme);
  }, 300_000);

  it('replays a seed exactly', async () => {
    for (const seed of someSeeds) {
      const first = await runSchedule(seed, cheapScheme);
      const again = await runSchedule(seed, cheapScheme);
      expect(again, `seed ${seed}`).toEqual(first);
      expect(first.events).toBeGreaterThan(0);
    }
  }, 300_000);
});
