/** What a party may decide for itself. Everything else is the protocol's. Absent: as an honest one does. */
import type { BeaconWish } from './chain.ts';
import type { AuditEntry } from './court.ts';
import type { TraceEntry } from './ledger.ts';
import type { Truth, World } from './world.ts';

export interface Party {
  readonly workers: number;
  readonly evaluators: number;
  readonly validators: number;
}

export interface Strategy {
  readonly name: string;
  readonly party: Party;
  /** Segments that are not computed: the states after them are made up. */
  skips?(place: Pick<TraceEntry, 'job' | 'round' | 'slot' | 'worker'>, world: World): number[];
  /** Whether a right drawn segment is opened. A wrong one cannot be: validators replay it. */
  opens?(truth: Truth, segment: number, proposer: number): boolean;
  servesAuditors?(truth: Truth, segment: number): boolean;
  /** Asked in every block while the case is open, `left` blocks before its deadline. */
  servesCourt?(truth: Truth, segment: number, left: number): boolean;
  /** An auditor's answer: replayed digests, others, or silence. */
  audits?(truth: Truth, segments: readonly number[]): 'replay' | 'silent' | readonly string[];
  /** A proposer leaves out openings and verdicts of this trace. */
  censors?(truth: Truth): boolean;
  wish?(world: World): BeaconWish;
  onBlock?(world: World): void;
  onAudit?(audit: AuditEntry, truth: Truth, world: World): void;
}

export const HONEST: Strategy = { name: 'honest', party: { workers: 0, evaluators: 0, validators: 0 } };
