/** What the parts of an evaluator share: everything outside that they touch. */
import type { FedaiError, Hex, Log } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import type { Market, Job as PostedJob, ScoreVerdict, SigningDomain } from '../market/index.ts';
import type { Peer } from '../storage/index.ts';

export type EvaluatorEvent =
  | { type: 'drawn'; jobId: bigint; attempt: number }
  | { type: 'scored'; jobId: bigint; verdict: ScoreVerdict; correct: number; total: number }
  | { type: 'committed'; jobId: bigint }
  | { type: 'revealed'; jobId: bigint }
  | { type: 'pinned'; jobId: bigint; modelCid: string }
  | { type: 'settled'; jobId: bigint; state: PostedJob['state']; exit: PostedJob['exit'] }
  | { type: 'withdrawn'; amount: bigint };

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
