/**
 * One child process of the devnet: a `fedai` command with `--json`, its events, its log file, and an end that is certain:
 * it hears of our death by its IPC channel, and on our way out its whole process group is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FedaiError } from '../../core/index.ts';
import type { JsonEvent } from '../output.ts';

const FEDAI = fileURLToPath(new URL('../fedai.js', import.meta.url));
/** Longest line of events that is parsed; a child does not write longer ones. */
const MAX_LINE = 1 << 20;
/** Lines of a child's log that are shown when it fails. */
const TAIL_LINES = 12;

export interface ProcessInput {
  name: string;
  /** Arguments of `fedai`; `--json` is added. */
  args: readonly string[];
  logFile: string;
  env?: Record<string, string>;
  /** Gives way to the others by this much (POSIX nice). */
  nice?: number;
  onEvent: (event: JsonEvent) => void;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ManagedProcess {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves when the process has ended and its output is read. Never rejects. */
  readonly ended: Promise<Exit>;
  running(): boolean;
  /** The first event of this name, past or to come; rejects with `PROCESS_ENDED` when the process ends without it. */
  first(event: string): Promise<JsonEvent>;
  /** Asks it to stop; kills its process group after `graceMs`. */
  stop(graceMs: number): Promise<Exit>;
  /** Kills its process group at once. */
  kill(): Promise<Exit>;
  /** The first event of this name, if it has come. */
  past(event: string): JsonEvent | undefined;
  /** An end as an error: with the last lines of its log. */
  fault(exit: Exit): FedaiError;
  /** Last lines it wrote to stderr. */
  tail(): string[];
}

export function startProcess(input: ProcessInput): ManagedProcess {
  const child = spawn(process.execPath, [FEDAI, ...input.args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Its own process group: a terminal's Ctrl-C reaches us alone, and we stop the parts in order.
    detached: true,
    env: { ...process.env, ...input.env },
  });
  if (input.nice !== undefined && child.pid !== undefined) lowerPriority(child.pid, input.nice);
  const events: JsonEvent[] = [];
  const waiting = new Map<string, (event: JsonEvent) => void>();
  const tail = readOutput(child, input, (event) => {
    events.push(event);
    waiting.get(event.event)?.(event);
    input.onEvent(event);
  });
  const past = (name: string) => events.find((event) => event.event === name);
  let exit: Exit | undefined;
  const ended = new Promise<Exit>((resolve) => {
    const finish = (outcome: Exit) => {
      exit = outcome;
      resolve(outcome);
    };
    child.on('close', (code, signal) => finish({ code, signal }));
    child.on('error', () => finish({ code: 1, signal: null }));
  });
  return {
    name: input.name,
    pid: child.pid,
    ended,
    running: () => exit === undefined,
    past,
    fault: (outcome) => processEnded(input, outcome, tail),
    async first(name) {
      const before = past(name);
      if (before) return before;
      const coming = new Promise<JsonEvent>((resolve) => waiting.set(name, resolve));
      const gone = ended.then((outcome) => {
        throw processEnded(input, outcome, tail);
      });
      return Promise.race([coming, gone]);
    },
    async stop(graceMs) {
      if (exit !== undefined) return exit;
      child.kill('SIGTERM');
      const timer = setTimeout(() => killGroup(child.pid), graceMs);
      const outcome = await ended;
      clearTimeout(timer);
      return outcome;
    },
    kill() {
      if (exit === undefined) killGroup(child.pid);
      return ended;
    },
    tail: () => [...tail],
  };
}

/** Kills a process group at once; no error when it is gone. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

function lowerPriority(pid: number, nice: number): void {
  try {
    setPriority(pid, nice);
  } catch {
    // Not allowed everywhere, and only a courtesy.
  }
}

/** Events from stdout; stdout and stderr into the log file. Returns the live tail of stderr. */
function readOutput(child: ChildProcess, input: ProcessInput, onEvent: (event: JsonEvent) => void): string[] {
  const file = createWriteStream(input.logFile, { flags: 'a', mode: 0o600 });
  // A full disk must not take the network's supervisor down with it.
  file.on('error', () => {});
  const tail: string[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    file.write(`${line}\n`);
    const event = parseEvent(line);
    if (event) onEvent(event);
  });
  createInterface({ input: child.stderr! }).on('line', (line) => {
    file.write(`${line}\n`);
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  });
  child.on('close', () => file.end());
  return tail;
}

function parseEvent(line: string): JsonEvent | undefined {
  if (line.length > MAX_LINE) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    const isEvent = typeof value === 'object' && value !== null && 'event' in value;
    return isEvent ? (value as JsonEvent) : undefined;
  } catch {
    return undefined;
  }
}

function processEnded(input: ProcessInput, { code, signal }: Exit, tail: readonly string[]): FedaiError {
  return new FedaiError(
    'PROCESS_ENDED',
    `${input.name} has ended`,
    { exitCode: code, signal },
    {
      cause: tail.join('\n') || undefined,
      remedy: `read its log: ${input.logFile} (kept with --keep-logs)`,
    },
  );
}
