import { describe, expect, it } from 'vitest';
import { blsScheme } from '../../chain/consensus/index.ts';
import { cheapScheme } from './support/cheap-scheme.ts';
import { type Report, runSchedule } from './support/world.ts';

/** `SIM_SEED=17` replays one schedule; `SIM_SCHEDULES` sets how many are run. */
const only = process.env.SIM_SEED;
const count = Number(process.env.SIM_SCHEDULES ?? 200);
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(only)];

async function runAll(list: readonly number[], scheme = cheapScheme): Promise<Report[]> {
  const reports: Report[] = [];
  for (const seed of list) {
    try {
      reports.push(await runSchedule(seed, scheme));
    } catch (cause) {
      const data = cause instanceof Error && 'data' in cause ? JSON.stringify(cause.data) : '';
      expect.fail(`schedule failed, replay it with SIM_SEED=${seed}: ${cause} ${data}`);
    }
  }
  return reports;
}

describe('consensus under drops, delays, duplicates, partitions, crashes and a twin', () => {
  it(`keeps one chain, signs once and goes on when calm: ${seeds.length} schedules`, async () => {
    const reports = await runAll(seeds);
    const sum = (pick: (report: Report) => number) => reports.reduce((total, one) => total + pick(one), 0);
    expect(reports.length).toBe(seeds.length);
    console.log(
      `${seeds.length} schedules: ${sum((one) => one.heights)} heights, ${sum((one) => one.crashes)} crashes, ` +
        `${sum((one) => one.evidence)} proofs of equivocation, ${Math.round(sum((one) => one.virtualMs) / 1000)} virtual seconds`,
    );
  }, 300_000);

  it('does so with BLS signatures too', async () => {
    await runAll(seeds.slice(0, 4), blsScheme);
  }, 120_000);
});
