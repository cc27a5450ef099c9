/** What a command prints. Results go to stdout: lines for people, or with `--json` one event a line and nothing else. */
import { createLog, type Log, type LogLevel } from '../core/index.ts';
import { formatReport, reportOf } from './report.ts';

export interface JsonEvent {
  event: string;
  [key: string]: unknown;
}

export interface Output {
  readonly json: boolean;
  /** An event for programs; `text` is what a person sees instead (nothing when absent). */
  event(event: JsonEvent, text?: string): void;
  /** Progress for people, on stderr; never part of the result. */
  progress(text: string): void;
  /** Message, cause and remedy on stderr, and with `--json` an `error` event. */
  error(error: unknown): void;
  readonly log: Log;
}

export interface Streams {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
}

export function createOutput(
  options: { json: boolean; logLevel: LogLevel },
  { stdout, stderr }: Streams = process,
): Output {
  return {
    json: options.json,
    event(event, text) {
      if (options.json) stdout.write(`${JSON.stringify(event, plainNumbers)}\n`);
      else if (text !== undefined) stdout.write(`${text}\n`);
    },
    progress: (text) => void stderr.write(`${text}\n`),
    error(error) {
      const report = reportOf(error);
      stderr.write(`${formatReport(report)}\n`);
      if (options.json) stdout.write(`${JSON.stringify({ event: 'error', ...report }, plainNumbers)}\n`);
    },
    log: createLog((line) => void stderr.write(`${line}\n`), options.logLevel),
  };
}

/** Amounts are bigint wei; JSON carries them as decimal strings. */
function plainNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
