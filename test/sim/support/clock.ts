/** Virtual time: timers fire in order, each followed by everything that it set off. */
import type { Clock, TimerHandle } from '../../../core/index.ts';

interface Timer {
  atMs: number;
  order: number;
  callback: () => void;
  cancelled: boolean;
}

export interface VirtualClock extends Clock {
  /** Runs timers until `untilMs` or until `done` holds; answers whether it held. */
  run(untilMs: number, done: () => boolean): Promise<boolean>;
}

/** Lets everything happen that needs no time. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Binary heap by (time, order of setting). */
export function createVirtualClock(startMs: number): VirtualClock {
  const heap: Timer[] = [];
  let nowMs = startMs;
  let order = 0;
  const before = (a: Timer, b: Timer) => a.atMs - b.atMs || a.order - b.order;

  const push = (timer: Timer) => {
    let i = heap.push(timer) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (before(heap[parent]!, timer) <= 0) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = timer;
  };

  const pop = (): Timer | undefined => {
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!) < 0) child++;
      if (before(last, heap[child]!) <= 0) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  };

  return {
    now: () => nowMs,
    setTimer(delayMs, callback): TimerHandle {
      const timer = { atMs: nowMs + Math.max(0, delayMs), order: order++, callback, cancelled: false };
      push(timer);
      return {
        cancel: () => {
          timer.cancelled = true;
        },
      };
    },
    async run(untilMs, done) {
      await settle();
      while (!done()) {
        const next = heap[0];
        if (next === undefined || next.atMs > untilMs) {
          nowMs = untilMs;
          return false;
        }
        const timer = pop()!;
        if (timer.cancelled) continue;
        nowMs = timer.atMs;
        timer.callback();
        await settle();
      }
      return true;
    },
  };
}
