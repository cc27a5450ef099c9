/** What an evaluator has to do for the audit of one trace: a pure function of the chain's view and of what it has on disk. */
import type { Hex } from '../core/index.ts';
import { type Audit, type AuditorPart, type CourtCase, ZERO_HASH } from '../market/index.ts';

export interface AuditView {
  /** The latest; what is sent now lands in a later block. */
  height: number;
  account: Hex;
  audit: Audit;
  /** Blocks left to others before a step is taken that anyone may take. */
  turn: number;
  /** Whether digests and salt are on disk, and whether the commitment on chain is theirs. */
  hasRecord: boolean;
  commitmentIsOwn: boolean;
  /** All bundles are here and being executed. */
  replaying: boolean;
  /** A segment whose steps lead elsewhere than the trace says, and that was not challenged by this evaluator. */
  fault: number | undefined;
  /** A segment that this evaluator found wrong is before the court, by whoever's case. */
  isTried: boolean;
  /** The latest case on the trace. */
  court: CourtCase | undefined;
}

/** `giveUp`: commit to having got no bundle. `recover`: execute again what was committed to, since the record is lost. */
export type AuditAction =
  | { type: 'draw' | 'audit' | 'giveUp' | 'recover' | 'commit' | 'reveal' | 'settle' | 'done' }
  | { type: 'challenge'; segment: number }
  /** Nothing before this height. */
  | { type: 'wait'; until: number };

/** Left for commitment and reveal to be mined. */
const LEAST_LAST_CALL_BLOCKS = 4;
/** An execution under way may use all but these of the time to commit. */
const MINED_BLOCKS = 2;
/** A transaction is seen in the block after next: the one whose turn it is has sent it by then. */
const TURN_BLOCKS = 2;
/** Blocks after which those without a part in an audit settle it, should all its auditors be gone. */
const ABSENT_BLOCKS = 6;

export const auditorOf = (audit: Audit, account: Hex): AuditorPart | undefined =>
  audit.auditors.find((auditor) => auditor.account === account);

export function auditAction(view: AuditView): AuditAction {
  const { audit, height } = view;
  const own = auditorOf(audit, view.account);
  switch (audit.state) {
    case 'None':
      return beforeDraw(view);
    case 'Drawn':
      return (own && ownStep(view, own)) ?? challengeStep(view) ?? settleStep(view, own !== undefined);
    case 'Disputed':
      if (isPending(view.court)) return { type: 'wait', until: height + 1 };
      return challengeStep(view) ?? inTurn(view, Math.min(height, view.court?.deadline ?? height));
    default:
      return challengeStep(view) ?? afterEnd(view);
  }
}

/** Not decided yet; a busy court lets cases wait for their turn. */
const isPending = (court: AuditView['court']): boolean =>
  court?.state === 'Open' || court?.state === 'Waiting';

/** A full audit that nobody drew in time is settled without auditors, others are over. */
function beforeDraw({ audit, height, turn }: AuditView): AuditAction {
  if (height >= audit.drawUntil) return audit.fullAudit ? { type: 'settle' } : { type: 'done' };
  const due = Math.min(audit.drawFrom + TURN_BLOCKS * turn, audit.drawUntil - 1);
  return height >= due ? { type: 'draw' } : { type: 'wait', until: due };
}

/** The first height at which what is not to be had counts as withheld. */
function lastCallAt({ drawFrom, commitUntil }: Audit): number {
  return commitUntil - Math.max(LEAST_LAST_CALL_BLOCKS, Math.floor((commitUntil - drawFrom) / 3));
}

/** Undefined when nothing is left to do but to settle. */
function ownStep(view: AuditView, own: AuditorPart): AuditAction | undefined {
  const { audit, height, hasRecord } = view;
  if (own.revealed) return undefined;
  const wait: AuditAction = { type: 'wait', until: height + 1 };
  if (own.commitment === ZERO_HASH) {
    if (height >= audit.commitUntil) return undefined;
    if (hasRecord) return { type: 'commit' };
    if (height < lastCallAt(audit)) return { type: 'audit' };
    return view.replaying && height < audit.commitUntil - MINED_BLOCKS ? wait : { type: 'giveUp' };
  }
  if (height >= audit.revealUntil) return undefined;
  if (!(hasRecord && view.commitmentIsOwn)) return { type: 'recover' };
  return isCommitted(audit, height) ? { type: 'reveal' } : (challengeStep(view) ?? wait);
}

/** A fault is brought to court once; while a case on its segment is open, that one is waited for. */
function challengeStep({ audit, height, fault, court }: AuditView): AuditAction | undefined {
  if (fault === undefined || height >= audit.challengeUntil) return undefined;
  if (court?.state === 'Upheld') return undefined;
  if (isPending(court) && court?.segment === fault) return undefined;
  return { type: 'challenge', segment: fault };
}

/** Those without a part look again much later. */
function settleStep(view: AuditView, isOwn: boolean): AuditAction {
  const { audit, height } = view;
  if (!isOwn) return inTurn(view, audit.revealUntil + ABSENT_BLOCKS);
  const isAnswered =
    isCommitted(audit, height) &&
    audit.auditors.every(({ commitment, revealed }) => revealed || commitment === ZERO_HASH);
  if (isAnswered || height >= audit.revealUntil) return inTurn(view, Math.min(height, audit.revealUntil));
  return { type: 'wait', until: height + 1 };
}

function inTurn({ height, turn }: AuditView, from: number): AuditAction {
  const due = from + turn;
  return height >= due ? { type: 'settle' } : { type: 'wait', until: due };
}

/** A fault may be found late, or wait for the end of somebody else's case; evidence is shown while one is open. */
function afterEnd({ height, court, fault, isTried, audit, replaying }: AuditView): AuditAction {
  const mayChallenge = (fault !== undefined || replaying) && height < audit.challengeUntil;
  return (isPending(court) || isTried || mayChallenge) && court?.state !== 'Upheld'
    ? { type: 'wait', until: height + 1 }
    : { type: 'done' };
}

const isCommitted = (audit: Audit, height: number): boolean =>
  height >= audit.commitUntil || audit.auditors.every(({ commitment }) => commitment !== ZERO_HASH);
