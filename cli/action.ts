/**
 * What every subcommand shares: its context (output, log, a signal that says stop), its exit code, and how Ctrl-C,
 * SIGTERM and the death of a parent process reach it.
 */
import type { Command } from 'commander';
import { hostFault, type LogLevel } from '../core/index.ts';
import { EXIT, type ExitCode, exitCodeOf, Interrupted } from './exit.ts';
import { createOutput, type Output } from './output.ts';

export interface Context {
  output: Output;
  /** Aborts, with an `Interrupted` reason or with what `fail` was given, when the command is to stop. */
  signal: AbortSignal;
  /** Going on would be unsafe: says so at once, stops the command, and gives it the exit code of `cause`. The first time counts. */
  fail: (cause: unknown) => void;
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
/** Ctrl-C under npm reaches us twice at once: from the terminal, and passed on. Only a later one is impatience. */
const SAME_SIGNAL_MS = 500;

/** Wraps a subcommand's body as commander's action. The process ends when it returns. */
export function action<Options, Arguments extends readonly (string | undefined)[] = []>(
  body: Body<Options, Arguments>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const options = args.at(-2) as Options & SharedOptions;
    const output = createOutput({ json: options.json ?? false, logLevel: options.logLevel ?? 'info' });
    const { signal, fail, failure } = listenForStop(output);
    let code: ExitCode;
    try {
      const positional = command.processedArgs as unknown as Arguments;
      code = (await body({ output, signal, fail }, options, ...positional)) ?? EXIT.ok;
    } catch (error) {
      code = exitCodeOf(error);
      if (code !== EXIT.interrupted && failure() === undefined) output.error(error);
    }
    finish(failure() ?? code);
  };
}

/** Resolves when the command is told to stop. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

interface Stop {
  signal: AbortSignal;
  fail: (cause: unknown) => void;
  /** Exit code of what `fail` was given. */
  failure: () => ExitCode | undefined;
}

function listenForStop(output: Output): Stop {
  const controller = new AbortController();
  let failure: ExitCode | undefined;
  let firstMs = 0;
  const abort = (reason: unknown) => {
    controller.abort(reason);
    firstMs = performance.now();
    setTimeout(() => process.exit(failure ?? EXIT.interrupted), STOP_GRACE_MS).unref();
  };
  const stop = (by: string, isSignal = false) => {
    if (!controller.signal.aborted) abort(new Interrupted(by));
    else if (isSignal && performance.now() - firstMs > SAME_SIGNAL_MS)
      process.exit(failure ?? EXIT.interrupted);
  };
  const fail = (cause: unknown) => {
    if (failure !== undefined) return;
    failure = exitCodeOf(cause);
    output.error(cause);
    if (!controller.signal.aborted) abort(cause);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop(name, true));
  // A reader that is gone (`| head`) is no reason to die loudly; output that finds no room is lost work.
  process.stdout.on('error', (error) => {
    const fault = hostFault(error, 'stdout');
    if (fault === undefined) stop('a closed pipe');
    else fail(fault);
  });
  // A terminal that is gone must not keep a command from cleaning up.
  process.stderr.on('error', () => {});
  if (process.connected) process.on('disconnect', () => stop('the end of the parent process'));
  // Also of promises that nobody waits for. What is broken in memory is not to be saved: files are crash-safe.
  process.on('uncaughtException', (error) => {
    output.error(hostFault(error) ?? error);
    process.exit(exitCodeOf(error));
  });
  return { signal: controller.signal, fail, failure: () => failure };
}

/** Ends the process once stdout is flushed: a library's open handle must not keep a finished command alive. */
function finish(code: ExitCode): void {
  process.exitCode = code;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}
