/**
 * Turns at executing calls. The EVM holds this process, which also votes: calls run one at a time, and a long one is
 * followed by a rest of its own length, so that callers never get more than half of the processor.
 */
import { LIMIT_EXCEEDED, rpcFault } from './faults.ts';

/** Calls that wait; more are refused at once instead of being answered when nobody asks any more. */
const MAX_WAITING = 256;
/** A rest shorter than this is only a chance for other work to run. */
const SHORT_MS = 4;

/** Runs `work` when its turn comes; throws -32005 when too many wait. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return (work) => {
    if (waiting >= MAX_WAITING) throw rpcFault(LIMIT_EXCEEDED, 'too many calls wait, try again later');
    waiting++;
    let tookMs = 0;
    const turn = last.then(async () => {
      const startedMs = performance.now();
      try {
        return await work();
      } finally {
        waiting--;
        tookMs = performance.now() - startedMs;
      }
    });
    last = turn.then(
      () => rest(tookMs),
      () => rest(tookMs),
    );
    return turn;
  };
}

const rest = (ms: number): Promise<void> => (ms < SHORT_MS ? breathe() : pause(ms));

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Lets sockets, timers and consensus run before going on. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
