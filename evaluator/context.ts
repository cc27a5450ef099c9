/** What the parts of an evaluator share: everything outside that they touch. */
import type { FedaiError, Hex, Log } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import type { AuditState, Market, Job as PostedJob, ScoreVerdict, SigningDomain } from '../market/index.ts';
import type { Peer } from '../storage/index.ts';

export type EvaluatorEvent =
  | { type: 'drawn'; jobId: bigint; attempt: number }
  | { type: 'scored'; jobId: bigint; verdict: ScoreVerdict; correct: number; total: number }
  | { type: 'committed'; jobId: bigint }
  | { type: 'revealed'; jobId: bigint }
  | { type: 'pinned'; jobId: bigint; modelCid: string }
  | { type: 'settled'; jobId: bigint; state: PostedJob['state']; exit: PostedJob['exit'] }
  | { type: 'withdrawn'; amount: bigint }
  /** One of the auditors of a trace. */
  | { type: 'auditDrawn'; traceId: bigint; jobId: bigint; segments: number[] }
  /** One segment was executed again. */
  | { type: 'auditReplayed'; traceId: bigint; ms: number }
  /** `withheld`: no bundle was to be had. `faults`: segments where the trace is wrong. */
  | { type: 'audited'; traceId: bigint; withheld: boolean; faults: number[] }
  | { type: 'auditCommitted'; traceId: bigint }
  | { type: 'auditRevealed'; traceId: bigint }
  /** A wrong trace was brought to court. */
  | { type: 'challenged'; traceId: bigint; segment: number }
  | { type: 'auditSettled'; traceId: bigint; state: AuditState };

export interface EvaluatorContext {
  market: Market;
  domain: SigningDomain;
  account: Hex;
  keys: KeySet;
  peer: Peer;
  dataDir: string;
  log: Log;
  onEvent: (event: EvaluatorEvent) => void;
  /** Hears of trouble of the machine (a full disk) that ends the process. */
  onFault: (fault: FedaiError) => void;
  kernel: 'auto' | 'reference' | 'wasm';
  signal: AbortSignal;
}
