/**
 * The money of jobs, traces and draws as the contracts move it (JobTraces, JobSettlement, Settlement, UsefulWork), without
 * signatures, gas and storage, so that thousands of training rounds fit into seconds. test/contracts/cheatsLedger.test.ts
 * drives the contracts with the same events and holds every figure equal. Owns no behaviour: whoever calls decides.
 */
import type { Hex } from '../../core/index.ts';
import { auditorsPart } from '../../market/index.ts';
import { type Drawn, drawWork } from '../../pouw/index.ts';
import type { Candidate } from './stakeDraw.ts';
import { BPS, type Terms } from './terms.ts';

export type Fate = 'committed' | 'drawn' | 'opened' | 'void' | 'faulty';

export interface TraceEntry {
  readonly id: number;
  readonly job: JobEntry;
  readonly round: number;
  readonly slot: number;
  readonly worker: Hex;
  readonly height: number;
  readonly root: Uint8Array;
  readonly weight: bigint;
  /** Of the weight, the worker's when its job is settled. */
  readonly share: bigint;
  /** Of the weight, for proposers. */
  readonly toProposers: bigint;
  fate: Fate;
  lost: boolean;
  faulty: boolean;
}

export interface JobPosting {
  readonly client: Hex;
  readonly reward: bigint;
  readonly workers: readonly Hex[];
  readonly rounds: number;
  readonly segments: number;
  readonly workerStake: bigint;
  readonly fullAudit: boolean;
}

export interface SlotEntry {
  earned: bigint;
  /** Of the work fees of its traces. */
  share: bigint;
  contributions: number;
  voids: number;
  faults: number;
  reporter: Hex | null;
}

export interface JobEntry extends JobPosting {
  readonly id: number;
  readonly slots: SlotEntry[];
  readonly accrued: { workers: bigint; auditors: bigint; burned: bigint; validators: bigint };
  settled: boolean;
}

interface Rank {
  readonly trace: TraceEntry;
  readonly segment: number;
  opener: Hex | null;
  proposer: Hex | null;
}

export interface Drawing {
  readonly height: number;
  readonly totalWeight: bigint;
  /** Wei for proposers. */
  readonly pool: bigint;
  /** Wei for the worker of the best opened rank, where the winner takes all. */
  readonly prize: bigint;
  readonly ranks: Rank[];
  settled: boolean;
}

export interface Payouts {
  readonly workers: bigint;
  readonly evaluators: bigint;
  readonly auditors: bigint;
  readonly burned: bigint;
  readonly validators: bigint;
  readonly refund: bigint;
}

const share = (part: bigint, unit: bigint, units: bigint): bigint =>
  (part * (unit + 1n)) / units - (part * unit) / units;
const cut = (amount: bigint, bps: number | bigint): bigint => (amount * BigInt(bps)) / BPS;

export type Ledger = ReturnType<typeof createLedger>;

/** `winnerTakes`: a rule that the contracts do not have, for comparison. The best opened rank's worker gets all shares of a draw. */
export function createLedger(terms: Terms, { winnerTakes = false } = {}) {
  const { jobs: parameters, work } = terms;
  const net = new Map<Hex, bigint>();
  const traces: TraceEntry[] = [];
  const jobs: JobEntry[] = [];
  let firstUndrawn = 0;
  let latest: Drawing | null = null;
  let burned = 0n;

  const credit = (account: Hex, amount: bigint): void => {
    net.set(account, (net.get(account) ?? 0n) + amount);
  };

  const auditorsBps = ({ fullAudit, segments }: JobPosting): number =>
    auditorsPart(parameters, { provable: true, fullAudit, segments });

  const workersPool = (job: JobPosting): bigint =>
    job.reward -
    [parameters.evaluatorsBps, parameters.burnBps, parameters.validatorsBps, auditorsBps(job)].reduce(
      (sum, bps) => sum + cut(job.reward, bps),
      0n,
    );

  const unitOf = (job: JobPosting, round: number, slot: number) => {
    const [unit, units] = [
      BigInt(round * job.workers.length + slot),
      BigInt(job.rounds * job.workers.length),
    ];
    return {
      workers: share(workersPool(job), unit, units),
      auditors: share(cut(job.reward, auditorsBps(job)), unit, units),
      burned: share(cut(job.reward, parameters.burnBps), unit, units),
      validators: share(cut(job.reward, parameters.validatorsBps), unit, units),
    };
  };

  const lose = (trace: TraceEntry): boolean => {
    if (trace.job.settled || trace.lost) return false;
    trace.lost = true;
    const { workers } = unitOf(trace.job, trace.round, trace.slot);
    const slot = trace.job.slots[trace.slot]!;
    trace.job.accrued.workers -= workers;
    slot.earned -= workers;
    slot.contributions -= 1;
    return true;
  };

  /** Takes stake: part of it to a reporter, the rest burned. */
  const slash = (account: Hex, amount: bigint, reporter: Hex | null): void => {
    if (amount === 0n) return;
    credit(account, -amount);
    const reward = reporter === null ? 0n : cut(amount, terms.reporterBps);
    if (reporter !== null) credit(reporter, reward);
    burned += amount - reward;
  };

  const settleDraw = (drawing: Drawing): void => {
    drawing.settled = true;
    const part = drawing.pool / BigInt(drawing.ranks.length);
    let left = drawing.pool;
    for (const { trace, opener, proposer } of drawing.ranks) {
      if (opener === null && trace.fate !== 'faulty') {
        trace.fate = 'void';
        forfeit(trace);
        if (lose(trace)) trace.job.slots[trace.slot]!.voids += 1;
      }
      if (proposer === null) continue;
      credit(proposer, part);
      left -= part;
    }
    burned += left;
    const best = drawing.ranks.find(({ opener }) => opener !== null);
    if (best === undefined) burned += drawing.prize;
    else credit(best.trace.worker, drawing.prize);
  };

  /** The share of a lost trace is burned. */
  const forfeit = ({ job, slot, share }: TraceEntry): void => {
    const entry = job.slots[slot]!;
    if (share > entry.share) return;
    entry.share -= share;
    burned += share;
  };

  return {
    net,
    traces,
    jobs,
    credit,
    slash,
    unitOf,
    workersPool,
    get burned() {
      return burned;
    },
    burn: (amount: bigint): void => {
      burned += amount;
    },
    get latest() {
      return latest;
    },
    get undrawn() {
      return traces.slice(firstUndrawn);
    },

    postJob(posting: JobPosting): JobEntry {
      const slots = posting.workers.map(() => ({
        ...{ earned: 0n, share: 0n },
        contributions: 0,
        voids: 0,
        faults: 0,
        reporter: null,
      }));
      const accrued = { workers: 0n, auditors: 0n, burned: 0n, validators: 0n };
      const job: JobEntry = { ...posting, id: jobs.length + 1, slots, accrued, settled: false };
      jobs.push(job);
      credit(job.client, -job.reward);
      return job;
    },

    /** The trace, and what it brings to the court. */
    commitTrace(job: JobEntry, round: number, slot: number, root: Uint8Array, height: number) {
      const due = unitOf(job, round, slot);
      job.accrued.workers += due.workers;
      job.accrued.auditors += due.auditors;
      job.accrued.burned += due.burned;
      job.accrued.validators += due.validators;
      const entry = job.slots[slot]!;
      entry.earned += due.workers;
      entry.contributions += 1;
      const kept = cut(due.burned, work.poolBps);
      const share = cut(due.burned, (BigInt(work.poolBps) * (BPS - BigInt(work.proposerBps))) / BPS);
      burned += due.burned - kept;
      if (!winnerTakes) entry.share += share;
      const trace: TraceEntry = {
        ...{ id: traces.length, job, round, slot, worker: job.workers[slot]!, height, root },
        ...{
          weight: due.burned,
          share,
          toProposers: kept - share,
          fate: 'committed',
          lost: false,
          faulty: false,
        },
      };
      traces.push(trace);
      return { trace, auditors: due.auditors };
    },

    /** What a work height would draw with this beacon. */
    foresee(height: number, beacon: Uint8Array): { drawn: Drawn[]; from: number; to: number } {
      const from = firstUndrawn;
      let to = from;
      while (to < traces.length && traces[to]!.height <= height - work.drawDelay - 1) to++;
      const weighed = traces.slice(from, to).map(({ weight, root, job }) => ({
        ...{ weight, traceRoot: root, segments: job.segments },
      }));
      return {
        drawn: drawWork({ chainId: terms.chainId, beacon, traces: weighed, ranks: work.ranks }),
        from,
        to,
      };
    },

    /** The chain's call in every block; `beacon` is that of the block before. */
    onBlock(height: number, beacon: Uint8Array): Drawing | null {
      if (height % work.interval !== 0) return null;
      if (latest !== null && !latest.settled) settleDraw(latest);
      const { drawn, from, to } = this.foresee(height, beacon);
      const covered = traces.slice(from, to);
      firstUndrawn = to;
      if (drawn.length === 0) return null;
      const ranks = drawn.map(({ index, segment }) => ({
        ...{ trace: covered[index]!, segment, opener: null, proposer: null },
      }));
      for (const { trace } of ranks) if (trace.fate !== 'faulty') trace.fate = 'drawn';
      latest = {
        ...{ height, ranks, settled: false },
        totalWeight: covered.reduce((sum, { weight }) => sum + weight, 0n),
        pool: covered.reduce((sum, { toProposers }) => sum + toProposers, 0n),
        prize: winnerTakes ? covered.reduce((sum, { share }) => sum + share, 0n) : 0n,
      };
      return latest;
    },

    open(rank: number, opener: Hex): void {
      const entry = latest!.ranks[rank]!;
      entry.opener = opener;
      if (entry.trace.fate !== 'faulty') entry.trace.fate = 'opened';
    },

    /** At the end of the chain's call: whose ranks' pay hangs on this block. */
    reward(height: number, proposer: Hex): void {
      if (latest === null) return;
      const { ranks, height: drawn } = latest;
      ranks.forEach((rank, i) => {
        const due = drawn + Math.ceil(((i + 1) * work.interval) / ranks.length) - 1;
        if (height === due && rank.opener !== null) rank.proposer = proposer;
      });
    },

    /** The court's verdict, or its silence. A void trace can still be faulty. */
    fault(trace: TraceEntry, reporter: Hex | null): void {
      if (trace.fate !== 'void' && trace.fate !== 'faulty') forfeit(trace);
      trace.fate = 'faulty';
      lose(trace);
      if (trace.faulty || trace.job.settled) return;
      trace.faulty = true;
      const slot = trace.job.slots[trace.slot]!;
      if (slot.faults === 0) slot.reporter = reporter;
      slot.faults += 1;
    },

    /** Pays, refunds and slashes. */
    settleJob(job: JobEntry, agreeing: readonly Hex[], validators: readonly Candidate[]): Payouts {
      job.settled = true;
      const evaluators = agreeing.length > 0 ? cut(job.reward, parameters.evaluatorsBps) : 0n;
      const { workers, auditors, burned: fees } = job.accrued;
      const toValidators = validators.length > 0 ? job.accrued.validators : 0n;
      const refund = job.reward - workers - evaluators - auditors - fees - toValidators;
      job.slots.forEach((slot, index) => {
        const worker = job.workers[index]!;
        slash(worker, cut(job.workerStake, slashBps(slot)), slot.faults > 0 ? slot.reporter : null);
        credit(worker, slot.earned + slot.share);
        slot.share = 0n;
      });
      agreeing.forEach((account, i) => {
        const equal = evaluators / BigInt(agreeing.length);
        credit(account, i === 0 ? equal + (evaluators % BigInt(agreeing.length)) : equal);
      });
      let rest = toValidators;
      const power = validators.reduce((sum, { stake }) => sum + stake, 0n);
      validators.forEach(({ account, stake }, i) => {
        const part = i + 1 === validators.length ? rest : (toValidators * stake) / power;
        rest -= part;
        credit(account, part);
      });
      credit(job.client, refund);
      return { workers, evaluators, auditors, burned: fees, validators: toValidators, refund };
    },
  };

  function slashBps({ voids, faults, contributions }: SlotEntry): bigint {
    if (voids === 0 && faults === 0) return contributions === 0 ? BigInt(parameters.workerSlashBps) : 0n;
    const sum = BigInt(voids * parameters.voidSlashBps + faults * parameters.faultSlashBps);
    return sum > BPS ? BPS : sum;
  }
}
