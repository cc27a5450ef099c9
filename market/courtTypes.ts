/** Shapes of what TrainingCourt holds, with plain names for their numbers. Amounts are wei, heights are block numbers. */
import type { Hex } from '../core/index.ts';

/** Order as in the contract's enum. */
export const auditStates = ['None', 'Drawn', 'Accepted', 'Disputed', 'Unanswered', 'Judged'] as const;
export type AuditState = (typeof auditStates)[number];

export const caseStates = ['None', 'Open', 'Upheld', 'Dismissed', 'Waiting', 'Dropped'] as const;
export type CaseState = (typeof caseStates)[number];

/** A drawn auditor's part. */
export interface AuditorPart {
  account: Hex;
  revealed: boolean;
  /** Zero until committed. */
  commitment: Hex;
  /** Of each audited segment; none when it got no bundle. */
  digests: Hex[];
}

/** The audit of one trace; the heights are the last in which a step may be taken. */
export interface Audit {
  state: AuditState;
  /** False: the trace has no court. */
  recorded: boolean;
  fullAudit: boolean;
  value: bigint;
  /** Its beacon draws; the first block that may draw comes after it. */
  drawFrom: number;
  drawUntil: number;
  commitUntil: number;
  revealUntil: number;
  challengeUntil: number;
  /** The latest case on this trace; 0 for none. */
  caseId: number;
  fee: bigint;
  /** Stake that each auditor has locked. */
  lock: bigint;
  /** In the order of the digests; none until drawn. */
  segments: number[];
  auditors: AuditorPart[];
}

export interface CourtCase {
  traceId: bigint;
  segment: number;
  state: CaseState;
  /** Last block for a verdict. */
  deadline: number;
  /** Null: a dispute among auditors. */
  challenger: Hex | null;
  bond: bigint;
  /** Zero without a verdict. */
  digest: Hex;
}

/** What it takes to answer or judge a case. */
export interface OpenCase {
  caseId: number;
  traceId: bigint;
  jobId: bigint;
  round: number;
  slot: number;
  segment: number;
  segments: number;
  deadline: number;
  worker: Hex;
  traceRoot: Hex;
}

/** Governed terms of audits and court. */
export interface CourtParameters {
  rateBps: number;
  assumedBadBps: number;
  absentSlashBps: number;
  wrongSlashBps: number;
  auditors: number;
  segmentsPerAudit: number;
  maxOpen: number;
  commitBlocks: number;
  revealBlocks: number;
  courtBlocks: number;
  auditLock: bigint;
  bond: bigint;
}
