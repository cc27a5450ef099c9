/** What the parts of a worker share: everything outside that they touch. */
import type { Clock, FedaiError, Hex, Log } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import type { KernelName } from '../engine/index.ts';
import type { Job } from '../job/index.ts';
import type { Market, Job as PostedJob, SigningDomain } from '../market/index.ts';
import type { Dataset, Peer } from '../storage/index.ts';
import type { Hasher } from './hasher.ts';
import type { StateExchange } from './states.ts';
import type { Trainer } from './trainer.ts';

export type WorkerEvent =
  | { type: 'volunteered'; jobId: bigint }
  | { type: 'declined'; jobId: bigint; reason: string }
  | { type: 'assigned'; jobId: bigint; slot: number; kernel: string }
  /** Own share of a round is trained. `loss` in nats. */
  | { type: 'trained'; jobId: bigint; round: number; steps: number; loss: number; samplesPerSecond: number }
  /** The chain fixed a round. `loss` in nats. */
  | { type: 'fixed'; jobId: bigint; round: number; loss: number; contributors: number[] }
  /** Own trace of a round is on chain. */
  | { type: 'committed'; jobId: bigint; round: number }
  /** An own segment was drawn; its bundle is offered to the validators. */
  | { type: 'drawn'; jobId: bigint; round: number; segment: number; drawHeight: number; bytes: number }
  /** A segment of an own trace is under audit, or before the court; its bundle is offered. */
  | { type: 'audited'; traceId: bigint; jobId: bigint; round: number; segment: number }
  | { type: 'accused'; traceId: bigint; jobId: bigint; round: number; segment: number }
  | { type: 'submitted'; jobId: bigint; modelHash: Hex; modelCid: string }
  | { type: 'settled'; jobId: bigint; state: PostedJob['state']; exit: PostedJob['exit'] }
  | { type: 'withdrawn'; amount: bigint };

export interface WorkerContext {
  market: Market;
  domain: SigningDomain;
  account: Hex;
  keys: KeySet;
  peer: Peer;
  states: StateExchange;
  dataDir: string;
  /** Time as others see it: expiries, sequences. */
  clock: Clock;
  /** How long something takes: nobody sets it. */
  steady: Clock;
  log: Log;
  onEvent: (event: WorkerEvent) => void;
  /** Hears of trouble of the machine (a full disk) that ends the process. */
  onFault: (fault: FedaiError) => void;
  kernel: 'auto' | KernelName;
  /** That train together. */
  threads: number;
  signal: AbortSignal;
}

/** A job that this worker is assigned to, ready to train. */
export interface Assignment {
  jobId: bigint;
  slot: number;
  /** Slot order. */
  workers: readonly Hex[];
  seed: Hex;
  job: Job;
  trainer: Trainer;
  hasher: Hasher;
  dataset: Dataset;
}
