/**
 * What every subcommand shares: its context (output, log, a signal that says stop), its exit code, and how Ctrl-C,
 * SIGTERM and the death of a parent process reach it.
 */
import type { Command } from 'commander';
import type { LogLevel } from '../core/index.ts';
import { EXIT, type ExitCode, exitCodeOf, Interrupted } from './exit.ts';
import { createOutput, type Output } from './output.ts';

export interface Context {
  output: Output;
  /** Aborts, with an `Interrupted` reason, when the command is to stop. */
  signal: AbortSignal;
}
interface SharedOptions {
  json?: boolean;
  logLevel?: LogLevel;
}
type Body<Options, Arguments extends readonly (string | undefined)[]> = (
  context: Context,
  options: Options,
  ...args: Arguments
) => Promise<ExitCode | undefined>;

/** A command that does not stop by itself within this time is ended; its files are crash-safe. */
const STOP_GRACE_MS = 15_000;

/** Wraps a subcommand's body as commander's action. The process ends when it returns. */
export function action<Options, Arguments extends readonly (string | undefined)[] = []>(
  body: Body<Options, Arguments>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const options = args.at(-2) as Options & SharedOptions;
    const output = createOutput({ json: options.json ?? false, logLevel: options.logLevel ?? 'info' });
    const stop = listenForStop(output);
    try {
      const positional = command.processedArgs as unknown as Arguments;
      finish((await body({ output, signal: stop.signal }, options, ...positional)) ?? EXIT.ok);
    } catch (error) {
      const code = exitCodeOf(error);
      if (code !== EXIT.interrupted) output.error(error);
      finish(code);
    }
  };
}

/** Resolves when the command is told to stop. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function listenForStop(output: Output): AbortController {
  const controller = new AbortController();
  const stop = (by: string) => {
    if (controller.signal.aborted) {
      if (by === 'SIGINT') process.exit(EXIT.interrupted);
      return;
    }
    controller.abort(new Interrupted(by));
    setTimeout(() => process.exit(EXIT.interrupted), STOP_GRACE_MS).unref();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop(name));
  // A reader that is gone (`| head`) is no reason to die loudly.
  process.stdout.on('error', () => stop('a closed pipe'));
  // A terminal that is gone must not keep a command from cleaning up.
  process.stderr.on('error', () => {});
  if (process.connected) process.on('disconnect', () => stop('the end of the parent process'));
  process.on('uncaughtException', (error) => {
    output.error(error);
    process.exit(EXIT.failed);
  });
  return controller;
}

/** Ends the process once stdout is flushed: a library's open handle must not keep a finished command alive. */
function finish(code: ExitCode): void {
  process.exitCode = code;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}
