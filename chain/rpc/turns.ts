/**
 * Turns at executing calls. The EVM holds this process, which also votes: calls run one at a time, and a long one is
 * followed by a rest of its own length, so that callers never get more than half of the processor.
 */
import { LIMIT_EXCEEDED, rpcFault } from './faults.ts';

/** Calls that wait; more are refused at once instead of being answered when nobody asks any more. */
const MAX_WAITING = 256;
/** Whoever waited longer has mostly given up and asked again: what nobody hears would hold up those who still listen. */
const MAX_WAIT_MS = 10_000;
/** A rest shorter than this is only a chance for other work to run. */
const SHORT_MS = 4;

/** Runs `work` when its turn comes; throws -32005 when too many wait, or its turn comes too late. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** `now`: milliseconds of a clock that is never set. */
export function createTurns(now: () => number = () => performance.now()): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return (work) => {
    if (waiting >= MAX_WAITING) throw rpcFault(LIMIT_EXCEEDED, 'too many calls wait, try again later');
    waiting++;
    const askedMs = now();
    let tookMs = 0;
    const turn = last.then(async () => {
      const startedMs = now();
      try {
        if (startedMs - askedMs > MAX_WAIT_MS)
          throw rpcFault(LIMIT_EXCEEDED, 'the call waited too long, try again later');
        return await work();
      } finally {
        waiting--;
        tookMs = now() - startedMs;
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
