/** Where waiting transactions lie: by sender and nonce, and by hash, with their total size. Owns no rules of admission. */
import type { Hex } from '../../core/index.ts';
import type { PooledTransaction } from './types.ts';
import { tipCap } from './validate.ts';

export type Queue = Map<bigint, PooledTransaction>;

export class Shelf {
  readonly queues = new Map<Hex, Queue>();
  readonly #byHash = new Map<Hex, PooledTransaction>();
  #bytes = 0;

  get count(): number {
    return this.#byHash.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(hash: Hex): PooledTransaction | undefined {
    return this.#byHash.get(hash);
  }

  all(): PooledTransaction[] {
    return [...this.#byHash.values()];
  }

  insert(pooled: PooledTransaction): void {
    const queue = this.queues.get(pooled.sender) ?? new Map();
    this.queues.set(pooled.sender, queue.set(pooled.tx.nonce, pooled));
    this.#byHash.set(pooled.hash, pooled);
    this.#bytes += pooled.raw.length;
  }

  remove(pooled: PooledTransaction): void {
    const queue = this.queues.get(pooled.sender);
    queue?.delete(pooled.tx.nonce);
    if (queue?.size === 0) this.queues.delete(pooled.sender);
    this.#byHash.delete(pooled.hash);
    this.#bytes -= pooled.raw.length;
  }

  /** Of each sender's last transaction the one that offers least: dropping it strands no other. */
  cheapestTail(): PooledTransaction | undefined {
    let cheapest: PooledTransaction | undefined;
    for (const queue of this.queues.values()) {
      let tail: PooledTransaction | undefined;
      for (const one of queue.values()) if (tail === undefined || one.tx.nonce > tail.tx.nonce) tail = one;
      if (tail !== undefined && (cheapest === undefined || tipCap(tail.tx) < tipCap(cheapest.tx)))
        cheapest = tail;
    }
    return cheapest;
  }
}
