/** Structured logs: one JSON object a line, to a sink that the process chooses (stderr). Never give it keys or data. */

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

/** `write` receives one line without its newline. */
export function createLog(
  write: (line: string) => void,
  level: LogLevel = 'info',
  bound: LogFields = {},
): Log {
  const floor = LEVELS.indexOf(level);
  const at = (name: LogLevel) => (message: string, fields?: LogFields) => {
    if (LEVELS.indexOf(name) < floor) return;
    write(
      JSON.stringify({ time: new Date().toISOString(), level: name, message, ...bound, ...fields }, jsonSafe),
    );
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => createLog(write, level, { ...bound, ...fields }),
  };
}

function jsonSafe(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) {
    const { code, data, remedy } = value as { code?: unknown; data?: unknown; remedy?: unknown };
    return { message: value.message, code, data, remedy };
  }
  return value;
}

/** Swallows everything; for tests and libraries. */
export const silentLog: Log = createLog(() => {});
