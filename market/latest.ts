/** Runs one handler at a time on the newest value: values that arrive meanwhile replace each other. */

export interface Latest<T> {
  offer(value: T): void;
  /** Resolves when the running call, if any, is over; nothing runs after it. */
  close(): Promise<void>;
}

/** `handle` must not reject. */
export function createLatest<T>(handle: (value: T) => Promise<void>): Latest<T> {
  let waiting: { value: T } | undefined;
  let running: Promise<void> | undefined;
  let closed = false;
  const run = async (): Promise<void> => {
    while (waiting !== undefined && !closed) {
      const { value } = waiting;
      waiting = undefined;
      await handle(value);
    }
    running = undefined;
  };
  return {
    offer(value) {
      if (closed) return;
      waiting = { value };
      running ??= run();
    },
    async close() {
      closed = true;
      await running;
    },
  };
}
