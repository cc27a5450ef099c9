/** How often the same message of the same part may be logged: a flood of bad peers must not become a flood of lines. */
import type { Clock } from './clock.ts';

export interface LogLimit {
  /** How many of this kind were left out since the last one that was written; undefined when this one is left out too. */
  take(kind: string): number | undefined;
}

const WINDOW_MS = 60_000;
/** Lines of one kind within a window. */
export const LINES_A_MINUTE = 20;
/** Messages are constants of the program; this only guards against one that is not. */
const MAX_KINDS = 1_024;

interface Window {
  startedMs: number;
  lines: number;
  suppressed: number;
}

export function createLogLimit(clock: Clock): LogLimit {
  const windows = new Map<string, Window>();
  return {
    take(kind) {
      const nowMs = clock.now();
      const window = windows.get(kind);
      if (window !== undefined && nowMs - window.startedMs < WINDOW_MS) {
        if (window.lines >= LINES_A_MINUTE) {
          window.suppressed++;
          return undefined;
        }
        window.lines++;
        return 0;
      }
      if (windows.size >= MAX_KINDS) windows.clear();
      windows.set(kind, { startedMs: nowMs, lines: 1, suppressed: 0 });
      return window?.suppressed ?? 0;
    },
  };
}
