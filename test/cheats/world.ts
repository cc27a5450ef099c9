/**
 * A seeded market: clients post jobs, workers train, evaluators audit, proposers open and judge, block after block, and one party
 * plays a strategy of its own. Whether a state is right is known to the world alone; parties learn it by replaying, and pay for that.
 */
import {
  concatBytes,
  type Hex,
  keccak256,
  type SeededRandom,
  seededRandom,
  uintBytes,
  utf8,
} from '../../core/index.ts';
import { createChain } from './chain.ts';
import { type AuditEntry, type CaseEntry, createCourt } from './court.ts';
import { createLedger, type JobEntry, type TraceEntry } from './ledger.ts';
import { accountOf, drawByStake } from './stakeDraw.ts';
import { HONEST, type Strategy } from './strategy.ts';
import { BPS, type Costs, productionCosts, productionTerms, type Terms, TRAIN } from './terms.ts';

export interface Setting {
  readonly seed: string;
  /** Training rounds of other people's jobs; each slot of each commits a trace. */
  readonly rounds: number;
  readonly terms: Terms;
  readonly costs: Costs;
  readonly roundsPerJob: number;
  readonly slots: number;
  /** Jobs at a time. */
  readonly jobs: number;
  readonly segments: number;
  readonly reward: bigint;
  readonly workers: number;
  readonly evaluators: number;
  readonly validators: number;
  readonly epochBlocks: number;
  /** Of the formula's lock. */
  readonly lockBps: bigint;
  /** Rules that the contracts do not have, see ledger.ts and court.ts. */
  readonly winnerTakes: boolean;
  readonly casesPerTrace: boolean;
  readonly deaf: boolean;
  readonly onePool: boolean;
}

export const standard: Setting = {
  ...{ seed: 'cheats', rounds: 1_000, terms: productionTerms, costs: productionCosts },
  ...{ roundsPerJob: 10, slots: 4, jobs: 4, segments: 40, reward: 1_000n * TRAIN },
  ...{
    workers: 9,
    evaluators: 6,
    validators: 9,
    epochBlocks: 600,
    lockBps: BPS,
    winnerTakes: false,
    casesPerTrace: false,
    deaf: false,
    onePool: false,
  },
};

/** What the world knows of a trace. */
export interface Truth {
  readonly trace: TraceEntry;
  readonly valid: readonly boolean[];
  /** Of the party under test. */
  readonly own: boolean;
}

export type World = ReturnType<typeof createWorld>;

export interface Outcome {
  /** Wei that the party has gained, costs deducted. */
  readonly earned: bigint;
  readonly others: bigint;
  readonly traces: number;
  readonly bad: number;
  readonly caught: number;
  readonly draws: number;
  readonly withheld: number;
}

const SETTLED_AFTER = 400;

export function createWorld(setting: Setting, strategy: Strategy) {
  const { terms, costs } = setting;
  const ledger = createLedger(terms, setting);
  const court = createCourt(terms, ledger, setting);
  const accounts = (kind: string, count: number): Hex[] =>
    Array.from({ length: count }, (_, i) => accountOf(kind, i));
  const workers = accounts('worker', setting.workers);
  const evaluators = accounts('evaluator', setting.evaluators);
  const validators = accounts('validator', setting.validators);
  const own = new Set<Hex>([
    ...workers.slice(0, strategy.party.workers),
    ...evaluators.slice(0, strategy.party.evaluators),
    ...validators.slice(0, strategy.party.validators),
    accountOf('party', 0),
  ]);
  const ownValidator = (index: number): boolean => index < strategy.party.validators;
  const chain = createChain(setting.seed, validators, setting.epochBlocks);
  const random: SeededRandom = seededRandom(utf8(`${setting.seed} strategy`));
  const truths: Truth[] = [];
  const running: { job: JobEntry; round: number }[] = [];
  /** Audits with a step to come. */
  const active: AuditEntry[] = [];
  const clearAt = new Map<JobEntry, number>();
  const stake = 100n * TRAIN;
  /** Who judges a job of others; a party's own ends without evaluators, whose part comes back. */
  const lots = new Map<JobEntry, Uint8Array>();
  const lotOf = (what: string, index: number): Uint8Array =>
    keccak256(utf8(`${setting.seed} ${what} ${index}`));
  let [posted, withheld, draws, clients] = [0, 0, 0, 0];

  const charge = (account: Hex, amount: bigint): void => {
    ledger.credit(account, -amount);
  };
  const of = (strategyHere: boolean): Strategy => (strategyHere ? strategy : HONEST);
  const computeCost = ({ job, round, slot }: TraceEntry): bigint =>
    (ledger.unitOf(job, round, slot).workers * costs.computeBps) / BPS;
  const replayCost = (trace: TraceEntry): bigint =>
    (computeCost(trace) * costs.replayBps) / BPS / BigInt(trace.job.segments);
  const digestOf = ({ id }: TraceEntry, segment: number): string => `true ${id} ${segment}`;

  const world = {
    setting,
    ledger,
    court,
    chain,
    random,
    truths,
    workers,
    own,
    ownValidator,
    get height() {
      return chain.beacons.length - 1;
    },
    isOwn: (account: Hex): boolean => own.has(account),
    truthOf: ({ id }: TraceEntry): Truth => truths[id]!,
    post(
      client: Hex,
      drawn: readonly Hex[],
      rounds: number,
      reward = setting.reward,
      segments = setting.segments,
    ): JobEntry {
      const posting = {
        client,
        reward,
        workers: drawn,
        rounds,
        segments,
        fullAudit: false,
      };
      const pool = ledger.workersPool({ ...posting, workerStake: 0n });
      const pay = (pool + BigInt(drawn.length) - 1n) / BigInt(drawn.length);
      const formula = (court.lockFor(pay) * setting.lockBps) / BPS;
      const least = terms.jobs.minWorkerStake;
      return ledger.postJob({ ...posting, workerStake: formula > least ? formula : least });
    },
    /** A slot's training round, as its worker does it. `free`: the job was made to cost nothing. */
    commit(
      job: JobEntry,
      round: number,
      slot: number,
      { free = false, unprovable = false } = {},
    ): TraceEntry {
      const account = job.workers[slot]!;
      const mine = own.has(account);
      const place = { job, round, slot, worker: account };
      const skipped = of(mine).skips?.(place, world) ?? [];
      const valid = Array.from({ length: job.segments }, (_, i) => !unprovable && !skipped.includes(i));
      const root = keccak256(
        concatBytes(utf8(setting.seed), uintBytes(job.id, 8), uintBytes(round, 8), uintBytes(slot, 1)),
      );
      const { trace, auditors } = ledger.commitTrace(job, round, slot, root, world.height);
      truths[trace.id] = { trace, valid, own: mine };
      const audit = court.record(trace, auditors);
      active.push(audit);
      clearAt.set(job, Math.max(clearAt.get(job) ?? 0, court.clearAt(audit)));
      const done = BigInt(job.segments - skipped.length);
      charge(account, costs.transaction + (free ? 0n : (computeCost(trace) * done) / BigInt(job.segments)));
      return trace;
    },
    charge,
    challenge(audit: AuditEntry, segment: number, challenger: Hex): CaseEntry | null {
      charge(challenger, costs.transaction);
      return court.challenge(audit, segment, challenger, world.height);
    },
    run,
  };
  return world;

  function run(): Outcome {
    const { interval } = terms.work;
    const wish = strategy.wish?.(world) ?? null;
    let last = Number.POSITIVE_INFINITY;
    while (world.height < last) {
      const { proposer, withheld: lost } = chain.next(ownValidator, wish);
      const { height } = world;
      if (lost !== null) {
        withheld++;
        charge(validators[lost]!, costs.tips);
      }
      systemCalls(height, proposer);
      if (height % interval === 1 && posted < setting.rounds) trainingRounds();
      strategy.onBlock?.(world);
      auditSteps(height);
      for (const [job, clear] of clearAt) if (height > clear && isOver(job)) settle(job);
      if (posted >= setting.rounds && last === Number.POSITIVE_INFINITY) last = height + SETTLED_AFTER;
    }
    for (const job of ledger.jobs) if (!job.settled) settle(job);
    return outcome();
  }

  function systemCalls(height: number, proposer: number): void {
    if (ledger.onBlock(height, chain.beacons[height - 1]!) !== null) draws++;
    const latest = ledger.latest;
    const verdict = court.open.find((one) => servesCourt(one) && mayInclude(proposer, one.audit.trace));
    if (verdict !== undefined && height % 2 === 0) judge(verdict);
    else if (latest !== null && !latest.settled) {
      const rank = latest.ranks.findIndex(
        ({ trace, segment, opener }) =>
          opener === null && isOpenable(trace, segment, proposer) && mayInclude(proposer, trace),
      );
      if (rank !== -1) ledger.open(rank, latest.ranks[rank]!.trace.worker);
    }
    ledger.reward(height, validators[proposer]!);
    court.closeExpired(height);
  }

  /** Validators replay: only a right segment opens. */
  function isOpenable(trace: TraceEntry, segment: number, proposer: number): boolean {
    const { valid, own: mine } = truths[trace.id]!;
    return valid[segment]! && (of(mine).opens?.(truths[trace.id]!, segment, proposer) ?? true);
  }

  function servesCourt({ audit: { trace }, segment, deadline }: CaseEntry): boolean {
    const truth = truths[trace.id]!;
    return of(truth.own).servesCourt?.(truth, segment, deadline - world.height) ?? true;
  }

  function mayInclude(proposer: number, trace: TraceEntry): boolean {
    return !ownValidator(proposer) || !(strategy.censors?.(truths[trace.id]!) ?? false);
  }

  function judge(one: CaseEntry): void {
    const { trace } = one.audit;
    court.judge(one, !truths[trace.id]!.valid[one.segment]!, digestOf(trace, one.segment));
  }

  function trainingRounds(): void {
    while (running.length < setting.jobs) {
      // The same in every run of a seed, whatever the party does: luck in being drawn is not what is compared.
      const seed = lotOf('workers', clients++);
      const candidates = workers.map((account) => ({ account, stake }));
      const job = world.post(
        accountOf('client', 0),
        drawByStake(seed, candidates, setting.slots),
        setting.roundsPerJob,
      );
      lots.set(job, lotOf('evaluators', clients));
      running.push({ job, round: 0 });
    }
    for (const entry of running) {
      for (let slot = 0; slot < setting.slots; slot++) world.commit(entry.job, entry.round, slot);
      entry.round++;
      posted++;
    }
    running.splice(0, running.length, ...running.filter(({ job, round }) => round < job.rounds));
  }

  function isOver(job: JobEntry): boolean {
    return !job.settled && !court.isInCourt(job) && !running.some((entry) => entry.job === job);
  }

  function settle(job: JobEntry): void {
    const candidates = evaluators.map((account) => ({ account, stake }));
    const lot = lots.get(job);
    const agreeing = lot === undefined ? [] : drawByStake(lot, candidates, 3);
    ledger.settleJob(
      job,
      agreeing,
      validators.map((account) => ({ account, stake })),
    );
    court.close(job);
    clearAt.delete(job);
  }

  function auditSteps(height: number): void {
    const left = active.filter((audit) => {
      if (audit.state === 'none' && height === audit.drawFrom + 1) drawAuditors(audit);
      else if (audit.state === 'drawn' && height === audit.drawFrom + 3) auditAll(audit);
      else if (audit.state === 'drawn' && height > audit.drawFrom + 3) court.settleAudit(audit, height);
      else if (audit.state === 'disputed') court.settleAudit(audit, height);
      const accused = audit.accusers !== undefined && height <= audit.challengeUntil;
      if (accused) accuse(audit);
      return accused || audit.state === 'drawn' || audit.state === 'disputed' || height <= audit.drawFrom;
    });
    active.splice(0, active.length, ...left);
  }

  function drawAuditors(audit: AuditEntry): void {
    const beacon = chain.beacons[audit.drawFrom]!;
    const candidates = evaluators.map((account) => ({ account, stake }));
    if (!court.drawAuditors(audit, beacon, candidates)) return;
    strategy.onAudit?.(audit, truths[audit.trace.id]!, world);
  }

  /** Each looks for itself, commits and reveals; who has seen a wrong segment goes to court. */
  function auditAll(audit: AuditEntry): void {
    const truth = truths[audit.trace.id]!;
    const accusers: { account: Hex; segment: number }[] = [];
    for (const auditor of audit.auditors) {
      charge(auditor.account, 2n * costs.transaction);
      const answer = of(own.has(auditor.account)).audits?.(truth, audit.segments) ?? 'replay';
      if (answer === 'silent') continue;
      auditor.committed = true;
      if (answer !== 'replay') {
        auditor.digests = answer;
        continue;
      }
      const served = audit.segments.every(
        (segment) => of(truth.own).servesAuditors?.(truth, segment) ?? true,
      );
      if (!served) {
        auditor.digests = [];
        continue;
      }
      charge(auditor.account, replayCost(audit.trace) * BigInt(audit.segments.length));
      auditor.digests = audit.segments.map((segment) => digestOf(audit.trace, segment));
      const wrong = audit.segments.find((segment) => !truth.valid[segment]!);
      if (wrong !== undefined) accusers.push({ account: auditor.account, segment: wrong });
    }
    if (accusers.length > 0) audit.accusers = accusers;
  }

  /** Until one of them is heard. */
  function accuse(audit: AuditEntry): void {
    for (const { account, segment } of audit.accusers!) {
      if (court.challenge(audit, segment, account, world.height) === null) continue;
      charge(account, costs.transaction);
      audit.accusers = undefined;
      return;
    }
  }

  function outcome(): Outcome {
    let [earned, others] = [0n, 0n];
    for (const [account, amount] of ledger.net) {
      if (own.has(account)) earned += amount;
      else others += amount;
    }
    const mine = truths.filter((truth) => truth.own);
    const bad = mine.filter(({ valid }) => valid.includes(false));
    return {
      ...{ earned, others, draws, withheld },
      ...{ traces: mine.length, bad: bad.length, caught: bad.filter(({ trace }) => trace.faulty).length },
    };
  }
}
