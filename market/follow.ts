/** Calls back for new block heights by polling, for as long as its signal lives. Outages are waited out. */
import { FedaiError, type Log, sleep } from '../core/index.ts';

export interface FollowOptions {
  pollMs: number;
  log: Log;
  signal: AbortSignal;
}

/** A fault that stays (an empty account, a full disk) is looked at again this often. */
const LONGEST_DELAY_MS = 10_000;

/**
 * Awaits `onHeight(height)` for the newest height whenever it has risen (heights in between are skipped). An error of
 * `onHeight` is logged and the same height is offered again at the next poll. Resolves when the signal aborts.
 */
export async function followHeights(
  source: { height(): Promise<number> },
  onHeight: (height: number) => Promise<void>,
  options: FollowOptions,
): Promise<void> {
  const { signal, log, pollMs } = options;
  let seen = -1;
  let delayMs = pollMs;
  while (!signal.aborted) {
    try {
      const height = await source.height();
      if (height > seen) {
        await onHeight(height);
        seen = height;
      }
      delayMs = pollMs;
    } catch (error) {
      if (signal.aborted) return;
      delayMs = Math.min(LONGEST_DELAY_MS, delayMs * 2);
      log.warn('a step failed and will be tried again', { error: describe(error), delayMs });
    }
    await sleep(delayMs, signal).catch(() => {});
  }
}

function describe(error: unknown): unknown {
  if (error instanceof FedaiError) return error;
  return error instanceof Error ? { message: error.message, stack: error.stack } : String(error);
}
