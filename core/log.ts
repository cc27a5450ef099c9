/**
 * Structured logs: one JSON object a line, to a sink that the process chooses (stderr). Lines are bounded in length and,
 * when they repeat, in number; bytes and fields named like secrets are never written. Never give it keys or data.
 */
import { type Clock, steadyClock } from './clock.ts';
import { createLogLimit, type LogLimit } from './logLimit.ts';
import { logLine } from './logLine.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines also carry `fields`. */
  child(fields: LogFields): Log;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

interface Sink {
  write: (line: string) => void;
  floor: number;
  limit: LogLimit;
}

/** `write` receives one line without its newline. */
export function createLog(
  write: (line: string) => void,
  level: LogLevel = 'info',
  bound: LogFields = {},
  clock: Clock = steadyClock,
): Log {
  return logTo({ write, floor: LEVELS.indexOf(level), limit: createLogLimit(clock) }, bound);
}

function logTo(sink: Sink, bound: LogFields): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (LEVELS.indexOf(level) < sink.floor) return;
    // Whoever asks for debug wants all of it.
    const suppressed = level === 'debug' ? 0 : sink.limit.take(`${level} ${bound.part ?? ''} ${message}`);
    if (suppressed === undefined) return;
    const all = { ...bound, ...fields, ...(suppressed > 0 && { suppressed }) };
    sink.write(logLine(level, message, all));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => logTo(sink, { ...bound, ...fields }),
  };
}

/** Swallows everything; for tests and libraries. */
export const silentLog: Log = createLog(() => {});
