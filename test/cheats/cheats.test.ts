/** Thirteen ways to cheat, against the rules as deployed: none may earn more than honesty does. What does, stands below as open. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import * as cheats from './cheats.ts';
import { type Comparison, compare, inTrain, ROUNDS, settingOf } from './runs.ts';
import { standard } from './world.ts';

const PAGE = new URL('../../docs/protocol/useful-work.md', import.meta.url);
const LIMIT_MS = 600_000;
const rows = new Map<string, Comparison>();

const line = (name: string, { cheat, honest }: Comparison): string =>
  `| ${name} | ${inTrain(cheat.earned)} | ${inTrain(honest.earned)} | ${cheat.bad} | ${cheat.caught} |`;

/** Pays as the rules are: what it gains, and the rule that would end it. The day that rule is there, the row moves up. */
const OPEN_CHEATS = new Set([cheats.biaser.name]);

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
      if (!OPEN_CHEATS.has(name)) expect(gain, `${name} gains ${inTrain(gain)} TRAIN`).toBeLessThan(0n);
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

describe('a shield', () => {
  it('is not made by accusing oneself: a case keeps others off its own segment alone', () => {
    const short = settingOf({ rounds: 200, roundsPerJob: 1 });
    expect(compare(cheats.shielder, short).gain).toBeLessThan(0n);
    expect(compare(cheats.shielder, { ...short, casesPerTrace: true }).gain).toBeGreaterThan(0n);
  }, 120_000);
});

describe('what is open', () => {
  const pays = (row: Comparison) => expect(row.gain).toBeGreaterThan(0n);
  const doesNot = (row: Comparison) => expect(row.gain).toBeLessThanOrEqual(0n);
  const sealed = settingOf({ sealedBlocks: 8 });

  it('withholding reveals wins pools; not where a draw pays only after eight mixed blocks', () => {
    pays(rows.get(cheats.biaser.name)!);
    doesNot(compare(cheats.biaser, sealed));
  }, 120_000);

  it('dealing with oneself pays at draws whose last three proposers are one’s own; not after eight mixed blocks', () => {
    pays(compare(cheats.selfDealer({ tail: 3 }), settingOf()));
    doesNot(compare(cheats.selfDealer({ tail: 3 }), sealed));
  }, 120_000);

  it('a court kept busy with accusations of oneself hears no others; not where `maxOpen` does not bind drawn auditors', () => {
    const short = settingOf({ rounds: 200, roundsPerJob: 1 });
    pays(compare(cheats.flooder(), short));
    doesNot(compare(cheats.flooder(), { ...short, auditorsHeard: true }));
  }, 120_000);
});
