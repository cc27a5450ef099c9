/** Which waiting transactions a block gets: best tip first, each sender's in nonce order, within a gas budget. */
import type { TypedTransaction } from '@ethereumjs/tx';
import type { PooledTransaction } from './types.ts';
import { tipAt } from './validate.ts';

/** `queues`: per sender, executable transactions in nonce order. */
export function selectTransactions(
  queues: readonly (readonly PooledTransaction[])[],
  baseFee: bigint,
  gas: bigint,
): TypedTransaction[] {
  const heads = queues.filter((queue) => queue.length > 0).map((queue) => ({ queue, next: 0 }));
  const selected: TypedTransaction[] = [];
  let left = gas;
  while (heads.length > 0) {
    const at = bestHead(heads, baseFee);
    if (at === undefined) break;
    const head = heads[at]!;
    const { tx } = head.queue[head.next]!;
    // What does not fit holds back the sender's later ones too.
    if (tx.gasLimit > left) {
      heads.splice(at, 1);
      continue;
    }
    selected.push(tx);
    left -= tx.gasLimit;
    head.next++;
    if (head.next === head.queue.length) heads.splice(at, 1);
  }
  return selected;
}

interface QueueHead {
  readonly queue: readonly PooledTransaction[];
  next: number;
}

function bestHead(heads: readonly QueueHead[], baseFee: bigint): number | undefined {
  let best: number | undefined;
  let bestTip = -1n;
  heads.forEach((head, index) => {
    const tip = tipAt(head.queue[head.next]!.tx, baseFee);
    if (tip > bestTip) {
      best = index;
      bestTip = tip;
    }
  });
  return best;
}
