/**
 * Transactions waiting in memory, by sender and nonce, within fixed limits. Owns admission, replacement and
 * eviction; which of them a block gets is select.ts, gossip is the network's.
 */
import type { Common } from '@ethereumjs/common';
import { FedaiError, type Hex } from '../../core/index.ts';
import { selectTransactions } from './select.ts';
import { type Queue, Shelf } from './shelf.ts';
import type { PooledTransaction, PoolLimits, SenderState, TxPool } from './types.ts';
import { checkAdmission, feeCap, maximumCost, readTransaction, tipCap } from './validate.ts';

export const defaultPoolLimits: PoolLimits = {
  // geth's global slots; at 128 KiB each the byte limit bites first.
  transactions: 5_120,
  bytes: 32 * 1024 * 1024,
  perSender: 64,
  transactionBytes: 128 * 1024,
  nonceGap: 64,
  replacementPercent: 10,
};

export interface PoolOptions {
  readonly common: Common;
  readonly blockGasLimit: bigint;
  /** State of an account at the head. */
  readonly senderState: (sender: Hex) => SenderState;
  readonly limits?: Partial<PoolLimits>;
}

export function createTxPool(options: PoolOptions): TxPool {
  const limits: PoolLimits = { ...defaultPoolLimits, ...options.limits };
  const { senderState } = options;
  const shelf = new Shelf();
  const listeners = new Set<(added: PooledTransaction) => void>();
  return {
    get count() {
      return shelf.count;
    },
    get bytes() {
      return shelf.bytes;
    },
    async add(raw) {
      const pooled = admit(shelf, raw, options, limits);
      for (const listener of listeners) listener(pooled);
      return pooled;
    },
    get: (hash) => shelf.get(hash),
    all: () => shelf.all(),
    nextNonce(sender) {
      let nonce = senderState(sender).nonce;
      const queue = shelf.queues.get(sender);
      while (queue?.has(nonce)) nonce++;
      return nonce;
    },
    select(baseFee, gas) {
      const ready = [...shelf.queues].map(([sender, queue]) => executable(queue, senderState(sender).nonce));
      return selectTransactions(ready, baseFee, gas);
    },
    advance(senders) {
      for (const sender of senders) {
        const queue = shelf.queues.get(sender);
        if (queue === undefined) continue;
        for (const gone of unpayable(queue, senderState(sender))) shelf.remove(gone);
      }
    },
    onAdded(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Checks everything before it changes anything. */
function admit(shelf: Shelf, raw: Uint8Array, options: PoolOptions, limits: PoolLimits): PooledTransaction {
  const pooled = readTransaction(raw, options.common, limits);
  if (shelf.get(pooled.hash) !== undefined) {
    throw new FedaiError('TX_KNOWN', 'already known', { hash: pooled.hash });
  }
  const queue = shelf.queues.get(pooled.sender);
  const replaced = queue?.get(pooled.tx.nonce);
  if (replaced !== undefined) checkReplacement(pooled, replaced, limits.replacementPercent);
  checkAdmission(pooled, options.senderState(pooled.sender), othersCost(queue, replaced), {
    blockGasLimit: options.blockGasLimit,
    limits,
  });
  if (replaced === undefined && (queue?.size ?? 0) >= limits.perSender) {
    throw new FedaiError('TX_SENDER_LIMIT', 'too many transactions of this sender wait', {
      expected: limits.perSender,
    });
  }
  if (replaced !== undefined) shelf.remove(replaced);
  else makeRoom(shelf, pooled, limits);
  shelf.insert(pooled);
  return pooled;
}

function makeRoom(shelf: Shelf, incoming: PooledTransaction, limits: PoolLimits): void {
  while (shelf.count >= limits.transactions || shelf.bytes + incoming.raw.length > limits.bytes) {
    const victim = shelf.cheapestTail();
    if (victim === undefined || tipCap(victim.tx) >= tipCap(incoming.tx)) {
      throw new FedaiError(
        'TX_POOL_FULL',
        'txpool is full',
        { count: shelf.count, bytes: shelf.bytes },
        { transient: true, remedy: 'wait for blocks to drain the pool, or offer a higher tip' },
      );
    }
    shelf.remove(victim);
  }
}

/** As geth: both caps must rise, so that replacing costs something whatever the base fee does. */
function checkReplacement(next: PooledTransaction, old: PooledTransaction, percent: number): void {
  const raised = (wei: bigint): bigint => (wei * BigInt(100 + percent) + 99n) / 100n;
  if (feeCap(next.tx) >= raised(feeCap(old.tx)) && tipCap(next.tx) >= raised(tipCap(old.tx))) return;
  throw new FedaiError(
    'TX_UNDERPRICED',
    'replacement transaction underpriced',
    { replaces: old.hash, feeCap: raised(feeCap(old.tx)), tipCap: raised(tipCap(old.tx)) },
    { remedy: `raise both fee caps by ${percent} %` },
  );
}

function othersCost(queue: Queue | undefined, except: PooledTransaction | undefined): bigint {
  let cost = 0n;
  for (const one of queue?.values() ?? []) if (one !== except) cost += maximumCost(one.tx);
  return cost;
}

/** The run of nonces that starts at the account's. */
function executable(queue: Queue, nonce: bigint): PooledTransaction[] {
  const run: PooledTransaction[] = [];
  for (let next = queue.get(nonce); next !== undefined; next = queue.get(next.tx.nonce + 1n)) run.push(next);
  return run;
}

/** What is behind the account's nonce or beyond its balance, in nonce order. */
function unpayable(queue: Queue, state: SenderState): PooledTransaction[] {
  let left = state.balance;
  return [...queue.values()]
    .sort((a, b) => (a.tx.nonce < b.tx.nonce ? -1 : 1))
    .filter(({ tx }) => {
      if (tx.nonce < state.nonce) return true;
      left -= maximumCost(tx);
      return left < 0n;
    });
}
