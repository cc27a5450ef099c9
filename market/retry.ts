/** Retries what is worth retrying, with exponential back-off. */
import { type Clock, FedaiError, type Log, silentLog, sleep, systemClock } from '../core/index.ts';

export interface RetryOptions {
  signal?: AbortSignal | undefined;
  log?: Log | undefined;
  clock?: Clock | undefined;
  /** Unset: until the signal aborts. */
  attempts?: number | undefined;
}

/** Quick enough that a restarted chain node is found at once, slow enough not to hammer one that is away. */
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 4_000;

/** Runs `action` until it succeeds, throws something that is not transient, or the signal aborts. */
export async function retry<T>(
  what: string,
  action: () => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const log = options.log ?? silentLog;
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      const last = options.attempts !== undefined && attempt >= options.attempts;
      if (last || !(error instanceof FedaiError && error.transient)) throw error;
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
      log.warn('will try again', { what, attempt, delayMs, error });
      await sleep(delayMs, options.signal, options.clock ?? systemClock);
    }
  }
}
