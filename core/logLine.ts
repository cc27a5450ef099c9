/** One line of the log: always one line, of bounded length, without bytes and without what is named like a secret. */

const MAX_LINE_CHARS = 8_192;
const MAX_STRING_CHARS = 1_024;
const MAX_ITEMS = 32;
const MAX_DEPTH = 6;
const REDACTED = '[redacted]';
const SECRET =
  /mnemonic|phrase|password|passwd|(?:private|secret|data|test|encrypt)_?key|secret|authorization/i;
/** JSON escapes what ends a line in ASCII; these end one elsewhere, or steer a terminal. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

export function logLine(level: string, message: string, fields: Readonly<Record<string, unknown>>): string {
  const head = { time: new Date().toISOString(), level, message: bounded(message) };
  // The head wins over fields of the same name, and stands first.
  const line = encode({ ...head, ...(plain(fields, 0, []) as object), ...head });
  return line.length <= MAX_LINE_CHARS ? line : encode({ ...head, truncated: line.length });
}

const encode = (value: object): string =>
  JSON.stringify(value).replace(
    UNPRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const bounded = (text: string): string =>
  text.length <= MAX_STRING_CHARS ? text : `${text.slice(0, MAX_STRING_CHARS)}…`;

/** What JSON can hold of a value; never throws, whatever it is. */
function plain(value: unknown, depth: number, within: readonly unknown[]): unknown {
  if (typeof value === 'string') return bounded(value);
  if (typeof value === 'bigint') return bounded(value.toString());
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  // Bytes are keys or data more often than not, and never read well.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH || within.includes(value)) return '[…]';
  const inner = [...within, value];
  if (value instanceof Error) return plain(errorFields(value), depth, inner);
  if (value instanceof Date || value instanceof URL) return bounded(String(value));
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => plain(item, depth + 1, inner));
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(
    entries.map(([key, item]) => [
      bounded(key),
      SECRET.test(key) ? hidden(item) : plain(item, depth + 1, inner),
    ]),
  );
}

/** Absence is no secret. */
const hidden = (value: unknown): unknown => (value === undefined || value === null ? value : REDACTED);

function errorFields(error: Error): object {
  const { code, data, remedy } = error as { code?: unknown; data?: unknown; remedy?: unknown };
  return { message: error.message, code, data, remedy };
}
