/** Watches the event loop: a process that answers now but stood still a moment ago is told of. */
import type { Check } from './server.ts';

export interface LoopWatch {
  readonly check: Check;
  stop(): void;
}

const LOOK_EVERY_MS = 1_000;
/** How long a standstill is remembered. */
const MEMORY_MS = 60_000;
/** Consensus, gossip and RPC all time out within this. */
const STUCK_MS = 10_000;

export function watchLoop(): LoopWatch {
  let lastMs = performance.now();
  let stuck = { atMs: Number.NEGATIVE_INFINITY, forMs: 0 };
  const look = () => {
    const nowMs = performance.now();
    const forMs = nowMs - lastMs - LOOK_EVERY_MS;
    if (forMs > STUCK_MS) stuck = { atMs: nowMs, forMs };
    lastMs = nowMs;
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  return {
    check: () =>
      performance.now() - stuck.atMs < MEMORY_MS
        ? `the event loop stood still for ${Math.round(stuck.forMs / 1000)} s`
        : undefined,
    stop: () => clearInterval(timer),
  };
}
