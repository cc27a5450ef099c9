/** Which waiting transactions a block gets: best tip first, each sender's in nonce order, within a gas budget. */
import type { TypedTransaction } from '@ethereumjs/tx';
import type { PooledTransaction } from './types.ts';
import { tipAt } from './validate.ts';

/**
 * `queues`: per sender, executable transactions in nonce order. Takes n log n steps for n transactions: a full pool of
 * as many senders is looked through while a proposal is waited for.
 */
export function selectTransactions(
  queues: readonly (readonly PooledTransaction[])[],
  baseFee: bigint,
  gas: bigint,
): TypedTransaction[] {
  const heap: QueueHead[] = [];
  const offer = (queue: readonly PooledTransaction[], next: number, order: number) => {
    const tx = queue[next]?.tx;
    if (tx === undefined) return;
    const tip = tipAt(tx, baseFee);
    if (tip >= 0n) push(heap, { queue, next, order, tip });
  };
  queues.forEach((queue, order) => {
    offer(queue, 0, order);
  });
  const selected: TypedTransaction[] = [];
  let left = gas;
  for (let head = pop(heap); head !== undefined; head = pop(heap)) {
    const { tx } = head.queue[head.next]!;
    // What does not fit holds back the sender's later ones too.
    if (tx.gasLimit > left) continue;
    selected.push(tx);
    left -= tx.gasLimit;
    offer(head.queue, head.next + 1, head.order);
  }
  return selected;
}

/** A sender's next transaction. */
interface QueueHead {
  readonly queue: readonly PooledTransaction[];
  readonly next: number;
  /** Place among the senders: breaks ties. */
  readonly order: number;
  readonly tip: bigint;
}

const isBefore = (a: QueueHead, b: QueueHead): boolean =>
  a.tip > b.tip || (a.tip === b.tip && a.order < b.order);

/** Binary heap, best first: the children of i are at 2i + 1 and 2i + 2. */
function push(heap: QueueHead[], head: QueueHead): void {
  let at = heap.push(head) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(head, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = head;
}

function pop(heap: QueueHead[]): QueueHead | undefined {
  const best = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return best;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return best;
}
