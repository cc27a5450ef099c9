/**
 * Audits and cases as contracts/TrainingCourt.sol decides them: who is drawn, what is paid, who is slashed. Beside ledger.ts, and
 * held equal to the contract by the same test. What a bundle proves is not known here: verdicts come from those who replay.
 */
import type { Hex } from '../../core/index.ts';
import { auditSegments, isAudited } from '../../pouw/index.ts';
import type { JobEntry, Ledger, TraceEntry } from './ledger.ts';
import { auditSeed, type Candidate, drawByStake } from './stakeDraw.ts';
import { BPS, type Terms } from './terms.ts';

export interface AuditorEntry {
  readonly account: Hex;
  committed: boolean;
  /** null until revealed; empty: it got no bundle. */
  digests: readonly string[] | null;
}

export type AuditState = 'none' | 'drawn' | 'accepted' | 'disputed' | 'unanswered' | 'judged';

export interface AuditEntry {
  readonly trace: TraceEntry;
  readonly value: bigint;
  readonly drawFrom: number;
  readonly drawUntil: number;
  readonly commitUntil: number;
  readonly revealUntil: number;
  readonly challengeUntil: number;
  state: AuditState;
  fee: bigint;
  segments: number[];
  auditors: AuditorEntry[];
  /** Who has seen a wrong segment and is not heard yet. */
  accusers?: readonly { account: Hex; segment: number }[] | undefined;
  latest: CaseEntry | null;
  dispute: CaseEntry | null;
}

export interface CaseEntry {
  readonly id: number;
  readonly audit: AuditEntry;
  readonly segment: number;
  readonly challenger: Hex | null;
  readonly bond: bigint;
  deadline: number;
  readonly waited: boolean;
  state: 'open' | 'waiting' | 'upheld' | 'dismissed' | 'dropped';
  digest: string | null;
}

const MAX_CLOSED = 4;
const cut = (amount: bigint, bps: number): bigint => (amount * BigInt(bps)) / BPS;

export type Court = ReturnType<typeof createCourt>;

/**
 * Rules that the contract does not have, for comparison. `casesPerTrace`: a case blocks others on all segments of its trace,
 * not on its own alone. `deaf`: a busy court refuses a drawn auditor of the trace as it does others. `onePool`: all traces pay
 * for all audits.
 */
export function createCourt(
  terms: Terms,
  ledger: Ledger,
  { casesPerTrace = false, deaf = false, onePool = false } = {},
) {
  const { court, work } = terms;
  const audits: AuditEntry[] = [];
  const open: CaseEntry[] = [];
  const waiting: CaseEntry[] = [];
  const live = new Set<CaseEntry>();
  const waitingCases = new Map<JobEntry, number>();
  let [caseCount, waited] = [0, 0];
  let pool = 0n;
  const pots = new Map<JobEntry, bigint>();
  /** The auditors' part of rounds of few segments is kept for audits of their own job. */
  const paysItself = ({ fullAudit, segments }: JobEntry): boolean =>
    !fullAudit && !onePool && segments < terms.jobs.feeSegments;

  const selection = (audit: AuditEntry, beacon: Uint8Array) => ({
    ...{ chainId: terms.chainId, beacon, traceId: BigInt(audit.trace.id) },
    ...{ segments: audit.trace.job.segments, fullAudit: audit.trace.job.fullAudit },
    ...{ rateBps: court.rateBps, segmentsPerAudit: court.segmentsPerAudit },
  });

  const end = (one: CaseEntry, state: 'upheld' | 'dismissed' | 'dropped'): void => {
    one.state = state;
    live.delete(one);
    if (one.waited) waitingCases.set(one.audit.trace.job, waitingCases.get(one.audit.trace.job)! - 1);
  };

  const leave = (one: CaseEntry, state: 'upheld' | 'dismissed'): void => {
    end(one, state);
    const at = open.indexOf(one);
    open[at] = open.at(-1)!;
    open.pop();
  };

  const uphold = (one: CaseEntry, reporter: Hex | null): void => {
    leave(one, 'upheld');
    if (one.challenger !== null) ledger.credit(one.challenger, one.bond);
    ledger.fault(one.audit.trace, reporter);
  };

  const placeOf = ({ segments }: AuditEntry, segment: number): number => {
    const at = segments.indexOf(segment);
    return at === -1 ? Math.max(0, segments.length - 1) : at;
  };

  const openCase = (
    audit: AuditEntry,
    segment: number,
    challenger: Hex | null,
    height: number,
  ): CaseEntry | null => {
    for (const one of live) {
      if (one.audit === audit && (casesPerTrace || one.segment === segment)) return null;
    }
    const waits = open.length >= court.maxOpen || waiting.length > 0;
    const isAuditors =
      challenger === null ||
      (audit.segments.includes(segment) && audit.auditors.some(({ account }) => account === challenger));
    if (waits && (deaf || !isAuditors)) return null;
    const bond = challenger === null ? 0n : court.bond;
    if (challenger !== null) ledger.credit(challenger, -bond);
    const one: CaseEntry = {
      ...{ id: ++caseCount, audit, segment, challenger, bond, waited: waits, digest: null },
      ...(waits
        ? { state: 'waiting', deadline: 0 }
        : { state: 'open', deadline: height + court.courtBlocks }),
    };
    audit.latest = one;
    live.add(one);
    (waits ? waiting : open).push(one);
    const { job } = audit.trace;
    if (waits) {
      waited++;
      waitingCases.set(job, (waitingCases.get(job) ?? 0) + 1);
    }
    return one;
  };

  /** The turn of those that wait. */
  const hear = (height: number): void => {
    for (let i = 0; i < MAX_CLOSED && waiting.length > 0 && open.length < court.maxOpen; i++) {
      const one = waiting.shift()!;
      if (one.audit.trace.fate === 'faulty') {
        end(one, 'dropped');
        if (one.challenger !== null) ledger.credit(one.challenger, one.bond);
        continue;
      }
      [one.state, one.deadline] = ['open', height + court.courtBlocks];
      open.push(one);
    }
  };

  /** What an auditor is due in the end: pay, and loss in basis points of its lock. */
  const judged = (
    audit: AuditEntry,
    { digests }: AuditorEntry,
    state: AuditState,
  ): { right: boolean; slashBps: number } => {
    const decided = audit.dispute ?? audit.latest;
    const faulty = decided?.state === 'upheld' || decided?.state === 'dropped';
    const withheld = faulty && decided!.digest === null;
    if (digests === null) return { right: false, slashBps: withheld ? 0 : court.absentSlashBps };
    if (state === 'accepted') return { right: true, slashBps: 0 };
    if (state !== 'judged' || withheld) return { right: false, slashBps: 0 };
    if (digests.length === 0) return { right: false, slashBps: court.absentSlashBps };
    const right = digests[placeOf(audit, decided!.segment)] === decided!.digest;
    return { right, slashBps: right ? 0 : court.wrongSlashBps };
  };

  const finish = (audit: AuditEntry, state: AuditState): void => {
    audit.state = state;
    let left = audit.fee;
    for (const auditor of audit.auditors) {
      const { right, slashBps } = judged(audit, auditor, state);
      const paid = right ? audit.fee / BigInt(audit.auditors.length) : 0n;
      left -= paid;
      ledger.credit(auditor.account, paid);
      ledger.slash(auditor.account, cut(court.auditLock, slashBps), null);
    }
    pool += left;
  };

  return {
    audits,
    open,
    get pool() {
      return pool;
    },
    /** Cases so far that had to wait. */
    get waited() {
      return waited;
    },

    record(trace: TraceEntry, value: bigint): AuditEntry {
      const drawFrom = trace.height + work.drawDelay;
      const commitUntil = drawFrom + court.commitBlocks;
      const revealUntil = commitUntil + court.revealBlocks;
      const audit: AuditEntry = {
        ...{ trace, value, drawFrom, commitUntil, revealUntil, state: 'none', fee: 0n },
        ...{ drawUntil: drawFrom + Math.floor(court.commitBlocks / 2) },
        ...{ challengeUntil: revealUntil + 2 * work.interval },
        ...{ segments: [], auditors: [], latest: null, dispute: null },
      };
      audits[trace.id] = audit;
      if (paysItself(trace.job)) pots.set(trace.job, (pots.get(trace.job) ?? 0n) + value);
      else if (!trace.job.fullAudit) pool += value;
      return audit;
    },

    /** Last block in which the court can find the trace faulty. */
    clearAt: ({ challengeUntil }: AuditEntry): number =>
      challengeUntil + court.courtBlocks + 2 + Math.ceil(court.maxOpen / MAX_CLOSED),

    isSelected: (audit: AuditEntry, beacon: Uint8Array): boolean => isAudited(selection(audit, beacon)),

    drawAuditors(audit: AuditEntry, beacon: Uint8Array, candidates: readonly Candidate[]): boolean {
      const terms_ = selection(audit, beacon);
      if (audit.state !== 'none' || candidates.length === 0 || !isAudited(terms_)) return false;
      audit.state = 'drawn';
      audit.segments = auditSegments(terms_);
      const seed = auditSeed(terms.chainId, audit.trace.id, beacon);
      audit.auditors = drawByStake(seed, candidates, court.auditors).map((account) => ({
        ...{ account, committed: false, digests: null },
      }));
      if (terms_.fullAudit) audit.fee = audit.value;
      else {
        const { job } = audit.trace;
        const wanted = (audit.value * BPS) / BigInt(court.rateBps);
        const there = paysItself(job) ? pots.get(job)! : pool;
        audit.fee = wanted < there ? wanted : there;
        if (paysItself(job)) pots.set(job, there - audit.fee);
        else pool -= audit.fee;
      }
      return true;
    },

    commitAudit(auditor: AuditorEntry): void {
      auditor.committed = true;
    },

    revealAudit(auditor: AuditorEntry, digests: readonly string[]): void {
      auditor.digests = digests;
    },

    /** Whether it could be settled in this block. */
    settleAudit(audit: AuditEntry, height: number): boolean {
      if (audit.state === 'disputed') {
        const { state } = audit.dispute!;
        if (state === 'open' || state === 'waiting') return false;
        finish(audit, state === 'dropped' ? 'unanswered' : 'judged');
        return true;
      }
      const answers = audit.auditors.flatMap(({ digests }) => (digests === null ? [] : [digests]));
      const outcome = compare(answers);
      if (answers.length === 0) finish(audit, 'unanswered');
      else if (outcome === null) finish(audit, 'accepted');
      else if (audit.trace.fate === 'faulty' || height > audit.challengeUntil) finish(audit, 'unanswered');
      else {
        audit.dispute = openCase(audit, audit.segments[outcome]!, null, height);
        if (audit.dispute === null) return false;
        audit.state = 'disputed';
      }
      return true;
    },

    /** null where the contract refuses. */
    challenge(audit: AuditEntry, segment: number, challenger: Hex, height: number): CaseEntry | null {
      if (height > audit.challengeUntil || audit.trace.fate === 'faulty') return null;
      return openCase(audit, segment, challenger, height);
    },

    /** A block's verdict, by those who have executed the segment again. */
    judge(one: CaseEntry, guilty: boolean, digest: string): void {
      one.digest = digest;
      if (guilty) {
        const place = placeOf(one.audit, one.segment);
        const first = one.audit.auditors.find(({ digests }) => digests?.[place] === digest);
        uphold(one, one.challenger ?? first?.account ?? null);
        return;
      }
      leave(one, 'dismissed');
      const half = one.bond / 2n;
      ledger.credit(one.audit.trace.worker, half);
      ledger.burn(one.bond - half);
    },

    /** No bundle in time is a fault. */
    closeExpired(height: number): void {
      let closed = 0;
      for (let i = open.length; i > 0 && closed < MAX_CLOSED; i--) {
        const one = open[i - 1]!;
        if (height <= one.deadline) continue;
        uphold(one, one.challenger);
        closed++;
      }
      hear(height);
    },

    /** What is left of a settled job's pot pays for audits of others. */
    close(job: JobEntry): void {
      pool += pots.get(job) ?? 0n;
      pots.delete(job);
    },

    /** Whether a job must wait for a case that had to wait. */
    isInCourt: (job: JobEntry): boolean => (waitingCases.get(job) ?? 0) > 0,

    /** The stake that a slot with this pay must lock. */
    lockFor(pay: bigint, fullAudit = false): bigint {
      const one = 10n ** 18n;
      let miss = one;
      for (let i = 0; i < court.auditors; i++) miss = cut(miss, court.assumedBadBps);
      const rate = fullAudit ? BPS : BigInt(court.rateBps);
      const all = (rate * (one - miss)) / BPS;
      const caught = rate < BPS ? (all * 2n) / 3n : all;
      return (pay * (one - caught) + caught - 1n) / caught;
    },
  };
}

/** Place of the first digest in which the answers differ; that nobody got a bundle is a dispute too. */
function compare(answers: readonly (readonly string[])[]): number | null {
  let disputed = answers[0]?.length === 0;
  let place = 0;
  for (const digests of answers.slice(1)) {
    const at = difference(answers[0]!, digests);
    if (at === null) continue;
    place = disputed ? Math.min(place, at) : at;
    disputed = true;
  }
  return disputed ? place : null;
}

function difference(a: readonly string[], b: readonly string[]): number | null {
  if (a.length !== b.length) return 0;
  const at = a.findIndex((digest, i) => digest !== b[i]);
  return at === -1 ? null : at;
}
