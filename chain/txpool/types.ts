/** The pool of transactions that wait for a block. */
import type { TypedTransaction } from '@ethereumjs/tx';
import type { Hex } from '../../core/index.ts';

export interface PooledTransaction {
  readonly tx: TypedTransaction;
  readonly raw: Uint8Array;
  /** Transaction hash, lower-case hex. */
  readonly hash: Hex;
  /** Lower-case hex. */
  readonly sender: Hex;
}

/** What the pool needs to know of a sender, at the head. */
export interface SenderState {
  readonly nonce: bigint;
  readonly balance: bigint;
  /** The account has contract code other than a delegation (EIP-3607). */
  readonly isContract: boolean;
}

export interface PoolLimits {
  readonly transactions: number;
  readonly bytes: number;
  readonly perSender: number;
  /** Of one transaction, bytes (geth: 128 KiB; contract deployments fit). */
  readonly transactionBytes: number;
  /** How far a nonce may lie ahead of the account's. */
  readonly nonceGap: number;
  /** A replacement must offer this much more, percent (geth: 10). */
  readonly replacementPercent: number;
}

export interface TxPool {
  readonly count: number;
  readonly bytes: number;
  /** Admits a raw transaction; throws a `TX_…` error that says why not. `TX_KNOWN` when it is here already. */
  add(raw: Uint8Array): Promise<PooledTransaction>;
  get(hash: Hex): PooledTransaction | undefined;
  /** Everything waiting, in no particular order. */
  all(): PooledTransaction[];
  /** The nonce that the sender's next transaction takes, counting what waits here without a gap. */
  nextNonce(sender: Hex): bigint;
  /** Executable transactions by tip, each sender's in nonce order, at most `gas` in total. */
  select(baseFee: bigint, gas: bigint): TypedTransaction[];
  /** After a block: forgets what these senders had mined, and what they can no longer pay. */
  advance(senders: Iterable<Hex>): void;
  /** Called for each transaction admitted; returns the way to stop. */
  onAdded(listener: (added: PooledTransaction) => void): () => void;
}
