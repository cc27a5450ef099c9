/** Thirteen ways to cheat, against the rules as deployed: none may earn as much as honesty does. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import * as cheats from './cheats.ts';
import { auditFarmer, COMBINED } from './combined.ts';
import { type Comparison, compare, inTrain, ROUNDS, settingOf } from './runs.ts';
import type { Strategy } from './strategy.ts';
import { type Setting, standard } from './world.ts';

const PAGE = new URL('../../docs/protocol/useful-work.md', import.meta.url);
const LIMIT_MS = 600_000;
const rows = new Map<string, Comparison>();

const line = (name: string, { cheat, honest }: Comparison): string =>
  `| ${name} | ${inTrain(cheat.earned)} | ${inTrain(honest.earned)} | ${cheat.bad} | ${cheat.caught} |`;

beforeAll(() => {
  const setting = settingOf();
  for (const make of cheats.CHEATS) {
    const strategy = make();
    rows.set(strategy.name, compare(strategy, setting));
  }
  const table = [...rows].map(([name, row]) => line(name, row)).join('\n');
  process.stdout.write(
    `${ROUNDS} training rounds, TRAIN\n| cheat | earns | honesty earns | bad traces | found |\n${table}\n`,
  );
}, LIMIT_MS);

describe('what cheating earns', () => {
  it('is less than what honesty earns', () => {
    expect(rows.size).toBe(13);
    for (const [name, { gain }] of rows) {
      expect(gain, `${name} gains ${inTrain(gain)} TRAIN`).toBeLessThan(0n);
    }
  });

  it('is compared over a thousand rounds at least, of which honesty earns in each', () => {
    expect(ROUNDS).toBeGreaterThanOrEqual(1_000);
    for (const { honest } of rows.values()) {
      expect(honest.earned).toBeGreaterThan(0n);
      expect(honest.caught).toBe(0);
    }
  });

  it.skipIf(ROUNDS !== standard.rounds)('stands in docs/protocol/useful-work.md', () => {
    const page = readFileSync(PAGE, 'utf8');
    for (const [name, row] of rows) expect(page).toContain(line(name, row));
  });
});

describe('rules against cheats that would pay', () => {
  const pays = (strategy: Strategy, setting: Setting) =>
    expect(compare(strategy, setting).gain).toBeGreaterThan(0n);
  const doesNot = (strategy: Strategy, setting: Setting) =>
    expect(compare(strategy, setting).gain).toBeLessThan(0n);
  const short = settingOf({ rounds: 200, roundsPerJob: 1 });
  const tail = cheats.selfDealer({ tail: 3 });

  it('withheld reveals win nothing where each trace has its own share; they did where one won all', () => {
    pays(cheats.biaser, settingOf({ winnerTakes: true }));
  }, 120_000);

  it('nor does dealing with oneself at draws whose last three proposers are one’s own', () => {
    doesNot(tail, settingOf());
    pays(tail, settingOf({ winnerTakes: true }));
  }, 120_000);

  it('a shield is not made by accusing oneself: a case keeps others off its own segment alone', () => {
    doesNot(cheats.shielder, short);
    pays(cheats.shielder, { ...short, casesPerTrace: true });
  }, 120_000);

  it('a court kept busy with accusations of oneself still hears drawn auditors: they wait for their turn', () => {
    doesNot(cheats.fullCourt(), short);
    pays(cheats.fullCourt(), { ...short, deaf: true });
  }, 120_000);

  it('auditing oneself wins nothing of what others paid in: jobs of few segments pay for their own audits', () => {
    pays(auditFarmer(1, 4), settingOf({ rounds: 400, onePool: true }));
  }, 120_000);

  it('combined powers earn no more than honesty, in jobs of ten rounds and of one', () => {
    const gains = COMBINED.flatMap((make) =>
      [settingOf({ rounds: 300 }), short].map((setting) => {
        const { gain } = compare(make(), setting);
        process.stdout.write(
          `${make().name}, rounds a job ${setting.roundsPerJob}: ${inTrain(gain)} TRAIN\n`,
        );
        return gain;
      }),
    );
    // Holding bundles back neither wins nor loses.
    for (const gain of gains) expect(gain).toBeLessThanOrEqual(0n);
  }, 120_000);

  it('withheld reveals do not escape audits, see detection.test.ts', () => {
    doesNot(cheats.biasedLazy, short);
  }, 120_000);
});
