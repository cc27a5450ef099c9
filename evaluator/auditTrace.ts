/** The audit of one trace by this evaluator: reads the chain, asks the plan, carries out the step. */
import { FedaiError, fromHex, type Hex, tellHostFault, toHex } from '../core/index.ts';
import {
  type Audit,
  type Court,
  type CourtCase,
  isRevert,
  type LiveTrace,
  turnOf,
  ZERO_HASH,
} from '../market/index.ts';
import { auditCommitment } from '../pouw/index.ts';
import { type AuditAction, auditAction, auditorOf } from './auditPlan.ts';
import { type AuditRecord, forgetAudit, loadAudit, saveAudit } from './auditRecord.ts';
import type { Findings } from './auditReplay.ts';
import type { EvaluatorContext } from './context.ts';
import { auditSaltOf } from './salt.ts';

export interface TraceDesk {
  context: EvaluatorContext;
  court: Court;
  /** Starts executing the segments when its turn has come; `undefined` while nothing is found yet. */
  execute(watched: Watched, segments: readonly number[]): void;
  isExecuting(watched: Watched): boolean;
  forget(watched: Watched): void;
}

export interface Watched {
  readonly trace: LiveTrace;
  /** First height at which something may be to do. */
  wakeAt: number;
  isSelected: boolean;
  isDone: boolean;
  /** A step is under way. */
  isBusy: boolean;
  /** This evaluator is one of its auditors. */
  isOwn: boolean;
  isLoaded: boolean;
  record?: AuditRecord;
  isLost: boolean;
  settled?: Audit['state'];
}

export const watch = (trace: LiveTrace): Watched => ({
  trace,
  wakeAt: 0,
  isSelected: false,
  isDone: false,
  isBusy: false,
  isOwn: false,
  isLoaded: false,
  isLost: false,
});

/** Never rejects: what failed is told and tried again with the next height. */
export async function stepTrace(desk: TraceDesk, watched: Watched, height: number): Promise<void> {
  const { context } = desk;
  watched.isBusy = true;
  try {
    await step(desk, watched, height);
  } catch (error) {
    if (context.signal.aborted) return;
    tellHostFault(error, context.onFault);
    const about = { traceId: watched.trace.id, error };
    const isEarlyOrLate = isRevert(error) || (error instanceof FedaiError && error.transient);
    if (isEarlyOrLate) context.log.debug('a step of an audit came too early or too late', about);
    else context.log.warn('a step of an audit failed and will be tried again', about);
  } finally {
    watched.isBusy = false;
  }
}

async function step(desk: TraceDesk, watched: Watched, height: number): Promise<void> {
  const { context, court } = desk;
  const { account } = context;
  const { id } = watched.trace;
  const audit = await court.auditOf(id);
  if (!audit.recorded) {
    watched.isDone = true;
    return;
  }
  if (height < audit.drawFrom) {
    watched.wakeAt = audit.drawFrom;
    return;
  }
  if (audit.state === 'None' && !(await isSelected(court, watched))) {
    watched.isDone = true;
    return;
  }
  const own = auditorOf(audit, account);
  if (own !== undefined) await takeOver(desk, watched, audit);
  const record = watched.record;
  const latest = audit.caseId === 0 ? undefined : await court.caseOf(audit.caseId);
  const isTried = record !== undefined && (await isBeforeCourt(court, id, record.faults));
  const action = auditAction({
    ...{ height, account, audit, court: latest },
    turn: await turnIn(desk, audit, id),
    hasRecord: record !== undefined,
    commitmentIsOwn: record !== undefined && commitmentOf(context, id, record) === own?.commitment,
    replaying: desk.isExecuting(watched),
    ...{ isTried, fault: isTried ? undefined : faultOf(record, latest) },
  });
  tellEnd(desk, watched, audit);
  await perform(desk, watched, audit, action);
}

/** Does not change while the beacon stands. */
async function isSelected(court: Court, watched: Watched): Promise<boolean> {
  watched.isSelected ||= (await court.selectionOf(watched.trace.id)).selected;
  return watched.isSelected;
}

async function turnIn({ context }: TraceDesk, audit: Audit, traceId: bigint): Promise<number> {
  const { market, account } = context;
  const isDrawn = audit.auditors.some((auditor) => auditor.account === account);
  const interested = isDrawn ? audit.auditors.map((auditor) => auditor.account) : await market.evaluators();
  return turnOf(traceId, isDrawn ? 'settleAudit' : 'drawAuditors', account, interested);
}

/** One verdict settles the trace: while a case is open on a wrong segment, a second bond would win nothing. */
async function isBeforeCourt(court: Court, traceId: bigint, faults: readonly number[]): Promise<boolean> {
  if (faults.length === 0) return false;
  const cases = await court.openCases();
  return cases.some((one) => one.traceId === traceId && faults.includes(one.segment));
}

/** The first fault that was not brought to court yet, by this evaluator or by the case that is closed. */
function faultOf(record: AuditRecord | undefined, latest: CourtCase | undefined): number | undefined {
  const isJudged = (segment: number) => latest?.state === 'Dismissed' && latest.segment === segment;
  return record?.faults.find((segment) => !record.challenged.includes(segment) && !isJudged(segment));
}

/** Told once: this evaluator is one of the auditors. A record that an earlier life has left is read. */
async function takeOver({ context }: TraceDesk, watched: Watched, audit: Audit): Promise<void> {
  const { id, jobId } = watched.trace;
  if (!watched.isOwn) {
    watched.isOwn = true;
    context.log.info('drawn to audit a trace', { traceId: id, jobId, segments: audit.segments });
    context.onEvent({ type: 'auditDrawn', traceId: id, jobId, segments: audit.segments });
  }
  if (watched.isLoaded) return;
  const loaded = await loadAudit(context.dataDir, id).catch((error: unknown) => {
    if (!(error instanceof FedaiError && error.code === 'BAD_RECORD')) throw error;
    context.log.warn('a saved audit is damaged and left aside', { traceId: id, error });
    return undefined;
  });
  watched.isLoaded = true;
  if (loaded !== undefined) watched.record ??= loaded;
}

function tellEnd({ context }: TraceDesk, watched: Watched, { state }: Audit): void {
  if (!watched.isOwn || state === 'None' || state === 'Drawn' || watched.settled === state) return;
  watched.settled = state;
  context.onEvent({ type: 'auditSettled', traceId: watched.trace.id, state });
}

async function perform(desk: TraceDesk, watched: Watched, audit: Audit, action: AuditAction): Promise<void> {
  const { context, court } = desk;
  const { id, jobId } = watched.trace;
  switch (action.type) {
    case 'draw':
      await court.drawAuditors(id);
      return;
    case 'audit':
      desk.execute(watched, audit.segments);
      return;
    case 'giveUp':
      context.log.warn('no bundle of an audited segment was to be had', { traceId: id, jobId });
      await keepFindings(desk, watched, { digests: [], bundles: [], faults: [] });
      return commit(desk, watched);
    case 'recover':
      return recover(desk, watched, audit);
    case 'commit':
      return commit(desk, watched);
    case 'reveal':
      await court.revealAudit(id, watched.record!.digests, watched.record!.salt);
      context.onEvent({ type: 'auditRevealed', traceId: id });
      return;
    case 'challenge':
      return challenge(desk, watched, action.segment);
    case 'settle':
      await court.settleAudit(id);
      return;
    case 'wait':
      watched.wakeAt = action.until;
      return;
    case 'done':
      return finish(desk, watched);
  }
}

/** The record is on disk before anything is committed. */
export async function keepFindings(
  { context, court }: TraceDesk,
  watched: Watched,
  findings: Findings,
): Promise<void> {
  const { id } = watched.trace;
  const record = { ...findings, challenged: [], salt: saltFor(context, court, id) };
  await saveAudit(context.dataDir, id, record);
  watched.record = record;
  const { digests, faults } = findings;
  context.onEvent({ type: 'audited', traceId: id, withheld: digests.length === 0, faults });
}

/** What is found after the time to commit cannot be revealed any more, but challenged. */
export async function addFindings(
  { context }: TraceDesk,
  watched: Watched,
  { bundles, faults }: Findings,
): Promise<void> {
  const { id } = watched.trace;
  watched.record = { ...watched.record!, bundles, faults };
  await saveAudit(context.dataDir, id, watched.record);
  if (faults.length > 0) context.onEvent({ type: 'audited', traceId: id, withheld: false, faults });
}

async function commit({ context, court }: TraceDesk, watched: Watched): Promise<void> {
  const { id } = watched.trace;
  await court.commitAudit(id, commitmentOf(context, id, watched.record!));
  context.onEvent({ type: 'auditCommitted', traceId: id });
}

/** The salt comes from the key and digests are the same however often they are made; having got no bundle is tried first. */
async function recover(desk: TraceDesk, watched: Watched, audit: Audit): Promise<void> {
  const { context, court } = desk;
  const { id } = watched.trace;
  const committed = auditorOf(audit, context.account)!.commitment;
  const none: Findings = { digests: [], bundles: [], faults: [] };
  const empty = { ...none, challenged: [], salt: saltFor(context, court, id) };
  if (committed !== ZERO_HASH && commitmentOf(context, id, empty) === committed)
    return keepFindings(desk, watched, none);
  if (watched.record === undefined) return desk.execute(watched, audit.segments);
  if (!watched.isLost)
    context.log.error('what was committed for an audit cannot be revealed, and stake will be lost', {
      traceId: id,
    });
  watched.isLost = true;
}

async function challenge(desk: TraceDesk, watched: Watched, segment: number): Promise<void> {
  const { context, court } = desk;
  const { id } = watched.trace;
  const { bond } = await court.parameters();
  await court.challenge(id, segment, bond);
  const record = watched.record!;
  record.challenged.push(segment);
  await saveAudit(context.dataDir, id, record);
  context.log.warn('a trace is wrong and was brought to court', { traceId: id, segment });
  context.onEvent({ type: 'challenged', traceId: id, segment });
}

async function finish(desk: TraceDesk, watched: Watched): Promise<void> {
  const { context } = desk;
  watched.isDone = true;
  desk.forget(watched);
  for (const { bundle } of watched.record?.bundles ?? []) await context.peer.content.unpin(bundle);
  if (watched.isOwn) await forgetAudit(context.dataDir, watched.trace.id);
}

const saltFor = ({ keys, domain }: EvaluatorContext, court: Court, traceId: bigint): Hex =>
  auditSaltOf(keys.evm.privateKey, domain.chainId, court.address, traceId);

const commitmentOf = ({ account }: EvaluatorContext, traceId: bigint, record: AuditRecord): Hex =>
  toHex(
    auditCommitment({
      traceId,
      auditor: fromHex(account.toLowerCase(), 20),
      digests: record.digests.map((digest) => fromHex(digest, 32)),
      salt: fromHex(record.salt, 32),
    }),
  );
