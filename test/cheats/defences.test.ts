/** Each defence switched off makes its cheat pay, so that the table can fail; and from which parameters on a cheat would begin to pay. */
import { describe, expect, it } from 'vitest';
import * as cheats from './cheats.ts';
import { compare, honestly, inTrain, settingOf } from './runs.ts';
import type { Strategy } from './strategy.ts';
import { productionTerms, type Terms } from './terms.ts';
import type { Setting } from './world.ts';

const ROUNDS = 200;
const LIMIT_MS = 120_000;
const withTerms = (changes: { [K in keyof Terms]?: Partial<Terms[K]> }): Terms => ({
  ...productionTerms,
  jobs: { ...productionTerms.jobs, ...changes.jobs },
  work: { ...productionTerms.work, ...changes.work },
  court: { ...productionTerms.court, ...changes.court },
});
const setting = (changes: Partial<Setting>): Setting => settingOf({ rounds: ROUNDS, ...changes });
const everywhere = { workers: 3, evaluators: 4, validators: 9 };

const noSlash = setting({ terms: withTerms({ jobs: { voidSlashBps: 0, faultSlashBps: 0 } }) });
const noAudit = setting({
  ...{
    rounds: 500,
    terms: withTerms({ jobs: { voidSlashBps: 0 }, work: { ranks: 1 }, court: { rateBps: 1 } }),
  },
});
const wholePool = setting({ winnerTakes: true, terms: withTerms({ work: { poolBps: 10_000 } }) });
const noWrong = setting({ terms: withTerms({ court: { wrongSlashBps: 0 } }) });

describe('without its defence a cheat pays', () => {
  const off: [string, Strategy, Setting][] = [
    ['lazy, where nothing is slashed', cheats.lazy(), noSlash],
    ['inventor, where nothing is slashed', cheats.inventor, noSlash],
    ['wrong end, where nothing is audited', cheats.wrongEnd, noAudit],
    ['silent when drawn badly, where nothing is slashed', cheats.silent, noSlash],
    ['copier, where nothing is audited', cheats.copier, noAudit],
    ['sybil, where nothing is audited', cheats.sybil, noAudit],
    [
      'self-dealer, where all that is burned comes back to the one that is drawn',
      cheats.selfDealer(),
      wholePool,
    ],
    [
      'censor that proposes every block, where the best opened rank takes all',
      { ...cheats.censor, party: everywhere },
      setting({ winnerTakes: true }),
    ],
    ['false accuser that proposes every block', { ...cheats.falseAccuser, party: everywhere }, setting({})],
    [
      'rubber-stamping auditors, where most are and a wrong digest costs nothing',
      { ...cheats.rubberStamper, party: { workers: 0, evaluators: 5, validators: 0 } },
      noWrong,
    ],
  ];
  for (const [name, strategy, without] of off) {
    it(name, () => expect(compare(strategy, without).gain).toBeGreaterThan(0n), LIMIT_MS);
  }

  it('but nothing is ever gained by withholding bundles', () => {
    expect(compare(cheats.withholder, noSlash).gain).toBeLessThan(0n);
  });
});

describe('where cheating begins to pay', () => {
  /** Gains in order; says from which value on. */
  const sweep = (label: string, points: readonly (readonly [string, Strategy, Setting])[]): bigint[] => {
    const gains = points.map(([, strategy, at]) => compare(strategy, at).gain);
    const cells = points.map(([at], i) => `${at}: ${inTrain(gains[i]!)}`);
    process.stdout.write(`${label}, TRAIN gained in ${ROUNDS} rounds: ${cells.join('; ')}\n`);
    return gains;
  };

  it(
    'dealing with oneself: at no β',
    () => {
      const gains = sweep(
        'self-dealer by β',
        [2_500, 5_000, 7_500, 10_000].map((poolBps) => {
          const at = setting({ rounds: 2 * ROUNDS, terms: withTerms({ work: { poolBps } }) });
          return [String(poolBps / 10_000), cheats.selfDealer(), at] as const;
        }),
      );
      for (const gain of gains) expect(gain).toBeLessThan(0n);
    },
    LIMIT_MS,
  );

  it(
    'inventing states: below a tenth of the lock',
    () => {
      const gains = sweep(
        'inventor by share of the lock',
        [0n, 1_000n, 2_500n, 10_000n].map(
          (lockBps) => [`${Number(lockBps) / 100} %`, cheats.inventor, setting({ lockBps })] as const,
        ),
      );
      expect(gains[0]!).toBeGreaterThan(0n);
      expect(gains[3]!).toBeLessThan(0n);
      for (let i = 1; i < gains.length; i++) expect(gains[i]!).toBeLessThan(gains[i - 1]!);
    },
    LIMIT_MS,
  );

  it(
    'any share of skipping loses, and the more the worse',
    () => {
      const gains = sweep(
        'lazy by share',
        [2, 10, 30, 100].map(
          (percent) => [`${percent} %`, cheats.lazy(percent), setting({ rounds: 300 })] as const,
        ),
      );
      for (const gain of gains) expect(gain).toBeLessThan(0n);
    },
    LIMIT_MS,
  );

  it(
    'auditing pays its auditors however few segments a round has',
    () => {
      const auditors = { workers: 0, evaluators: 2, validators: 0 };
      const profitOf = (segments: number, jobs: Partial<Terms['jobs']> = {}): bigint => {
        const earned = (court: Partial<Terms['court']>) =>
          honestly(auditors, setting({ segments, terms: withTerms({ jobs, court }) })).earned;
        return earned({}) - earned({ rateBps: 1 });
      };
      const profits = [1, 5, 20, 40, 80].map((segments) => ({ segments, profit: profitOf(segments) }));
      const cells = profits.map(({ segments, profit }) => `${segments} segments: ${inTrain(profit)}`);
      process.stdout.write(`a third of the auditors, TRAIN in ${ROUNDS} rounds: ${cells.join('; ')}\n`);
      for (const { profit } of profits) expect(profit).toBeGreaterThan(0n);
      // As it was when the part was the same for all.
      expect(profitOf(10, { feeSegments: 0 })).toBeLessThan(0n);
    },
    LIMIT_MS,
  );
});
