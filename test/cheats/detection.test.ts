/** How often cheating is found, by the production draws, against the formulas that locks are sized by. */
import { describe, expect, it } from 'vitest';
import { concatBytes, keccak256, uintBytes, utf8 } from '../../core/index.ts';
import { auditSegments, isAudited } from '../../pouw/index.ts';
import { createChain } from './chain.ts';
import { createCourt } from './court.ts';
import { createLedger } from './ledger.ts';
import { accountOf, drawByStake } from './stakeDraw.ts';
import { productionTerms, TRAIN } from './terms.ts';

/** Standard deviations: the seeds are fixed, so this fails only for a changed rule. */
const SIGMAS = 4;
const { court, chainId } = productionTerms;
const SEGMENTS = 40;

const beaconOf = (index: number): Uint8Array => keccak256(concatBytes(utf8('beacon'), uintBytes(index, 8)));
const audit = (index: number, beacon = beaconOf(index)) => ({
  ...{ chainId, beacon, traceId: BigInt(index), segments: SEGMENTS, fullAudit: false },
  ...{ rateBps: court.rateBps, segmentsPerAudit: court.segmentsPerAudit },
});
/** Whether a trace whose first `bad` segments are wrong is found by an honest auditor. */
const isFound = (index: number, bad: number): boolean =>
  isAudited(audit(index)) && auditSegments(audit(index)).some((segment) => segment < bad);

function expectChance(hits: number, trials: number, chance: number, label: string): void {
  const deviation = Math.sqrt((chance * (1 - chance)) / trials);
  const measured = hits / trials;
  process.stdout.write(
    `${label}: ${measured.toFixed(4)} measured, ${chance.toFixed(4)} by the formula, ±${(SIGMAS * deviation).toFixed(4)}\n`,
  );
  expect(Math.abs(measured - chance)).toBeLessThan(SIGMAS * deviation);
}

describe('detection', () => {
  const trials = 12_000;
  const rate = court.rateBps / 10_000;
  for (const share of [0.1, 0.3, 1]) {
    it(`a trace with a share of ${share} skipped is found with chance rate · (1 − (1 − f)^s)`, () => {
      const bad = Math.round(share * SEGMENTS);
      const found = Array.from({ length: trials }, (_, i) => isFound(i, bad));
      const chance = rate * (1 - (1 - share) ** court.segmentsPerAudit);
      expectChance(found.filter(Boolean).length, trials, chance, `one trace, f = ${share}`);
      const jobs = Array.from({ length: trials / 10 }, (_, j) =>
        found.slice(10 * j, 10 * j + 10).some(Boolean),
      );
      const overall = 1 - (1 - chance) ** 10;
      expectChance(jobs.filter(Boolean).length, jobs.length, overall, `ten rounds, f = ${share}`);
    });
  }

  it('all auditors are bad with chance m^a at most', () => {
    const candidates = Array.from({ length: 16 }, (_, i) => ({
      account: accountOf('auditor', i),
      stake: 100n * TRAIN,
    }));
    const bad = new Set(candidates.slice(0, 4).map(({ account }) => account));
    const draws = 2_000;
    let allBad = 0;
    for (let i = 0; i < draws; i++) {
      if (drawByStake(beaconOf(i), candidates, court.auditors).every((account) => bad.has(account))) allBad++;
    }
    // Without replacement: 4/16 · 3/15.
    expectChance(allBad, draws, (4 / 16) * (3 / 15), 'both auditors of a bad quarter');
    expect(allBad / draws).toBeLessThan((court.assumedBadBps / 10_000) ** court.auditors);
  });

  it('a third of the stake escapes selection by withholding: (1 − α) Σ α^k q^(2^k) is left', () => {
    const validators = Array.from({ length: 9 }, (_, i) => accountOf('validator', i));
    const chain = createChain('escape', validators, 600);
    const isOwn = (validator: number): boolean => validator < 3;
    let [events, selected] = [0, 0];
    while (events < 1_500) {
      chain.next(isOwn, (height) =>
        height % 10 === 9 ? (beacon) => (isAudited(audit(height, beacon)) ? 0 : 1) : null,
      );
      const height = chain.beacons.length - 1;
      if (height % 10 !== 9) continue;
      events++;
      if (isAudited(audit(height, chain.beacons[height]!))) selected++;
    }
    let left = 0;
    for (let k = 0; k < 6; k++) left += (2 / 3) * (1 / 3) ** k * rate ** (2 ** k);
    expectChance(selected, events, left, 'selected in spite of bias');
    // Skipping all saves less than the pay. What is left of the chance still takes more, by the lock that counts two thirds of
    // it; by one that counted all, pay · (1 / q - 1), it would not.
    const honest = 1 - (court.assumedBadBps / 10_000) ** court.auditors;
    const lock = Number(createCourt(productionTerms, createLedger(productionTerms)).lockFor(TRAIN)) / 1e18;
    const caught = (selected / events) * honest;
    expect(caught * (1 + lock)).toBeGreaterThan(1);
    expect(caught / (rate * honest)).toBeLessThan(0.8);
  });
});
