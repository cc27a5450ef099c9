/**
 * Threads that share one memory: a piece of work is a call of a kernel on its own part of the output, so results do not depend on
 * who does it. The caller works too and returns when all pieces are done. Owns no arithmetic; needs Node's worker threads.
 */
import { FedaiError } from '../../core/index.ts';

/** Places in the control words; the call's arguments follow, PIECE_WORDS a piece. */
export const CONTROL = {
  /** Counts calls; helpers sleep on it. */
  generation: 0,
  /** 1 while the words describe a whole call. */
  open: 1,
  /** Helpers inside the present call: it is rewritten only when there are none. */
  inside: 2,
  next: 3,
  done: 4,
  pieces: 5,
  machine: 6,
  kernel: 7,
  failed: 8,
  result: 9,
} as const;
const HEADER_WORDS = 16;
/** The longest argument list is 15. */
const PIECE_WORDS = 16;
export const MAX_PIECES = 64;
/** Looks at the control words before a thread goes to sleep: longer than the gaps between the calls of a step. */
export const SPINS = 20_000;
const CHECK_MS = 10;

/** What a helper gets once for each machine; without a module: that this machine is gone. */
export interface MachineMail {
  readonly id: number;
  readonly module?: WebAssembly.Module;
  readonly memory?: WebAssembly.Memory;
  /** This helper's own bytes for `useScratch`. */
  readonly scratch?: number;
}

export type Exports = Record<string, (...args: number[]) => number | undefined>;

function doPiece(control: Int32Array, kernel: Exports[string], piece: number): void {
  const at = HEADER_WORDS + piece * PIECE_WORDS;
  try {
    const result = kernel(...control.subarray(at + 1, at + 1 + control[at]!));
    if (result) Atomics.or(control, CONTROL.result, result);
  } catch {
    // A kernel traps only when an address is wrong: the caller reports it.
    Atomics.store(control, CONTROL.failed, 1);
  }
}

/** Takes pieces of the present call until none is left. */
export function workOff(control: Int32Array, kernels: Exports, names: readonly string[]): void {
  const kernel = kernels[names[control[CONTROL.kernel]!]!]!;
  const pieces = control[CONTROL.pieces]!;
  for (;;) {
    const piece = Atomics.add(control, CONTROL.next, 1);
    if (piece >= pieces) return;
    doPiece(control, kernel, piece);
    if (Atomics.add(control, CONTROL.done, 1) === pieces - 1) Atomics.notify(control, CONTROL.done);
  }
}

/** Names of a module's kernels, in an order that all threads agree on. */
export const kernelNames = (exports: object): string[] => Object.keys(exports).sort();

export interface Team {
  readonly size: number;
  /** Makes a machine known to the helpers until `owner` is collected; `scratches` holds one address for each. */
  join(owner: object, module: WebAssembly.Module, memory: WebAssembly.Memory, scratches: number[]): number;
  /** Calls the kernel once a piece, on all threads; returns the OR of what the calls return. */
  call(machine: number, kernels: Exports, name: string, pieces: readonly (readonly number[])[]): number;
}

/** Spins, then sleeps, until the word is as wanted. */
function until(control: Int32Array, word: number, reached: (value: number) => boolean): void {
  for (let spin = 0; ; spin++) {
    const value = Atomics.load(control, word);
    if (reached(value)) return;
    if (spin > SPINS) Atomics.wait(control, word, value, CHECK_MS);
  }
}

function describe(
  control: Int32Array,
  machine: number,
  kernel: number,
  pieces: readonly (readonly number[])[],
) {
  Atomics.store(control, CONTROL.open, 0);
  until(control, CONTROL.inside, (inside) => inside === 0);
  pieces.forEach((args, piece) => {
    const at = HEADER_WORDS + piece * PIECE_WORDS;
    control[at] = args.length;
    control.set(args, at + 1);
  });
  control[CONTROL.machine] = machine;
  control[CONTROL.kernel] = kernel;
  control[CONTROL.pieces] = pieces.length;
  control[CONTROL.result] = 0;
  control[CONTROL.failed] = 0;
  Atomics.store(control, CONTROL.done, 0);
  Atomics.store(control, CONTROL.next, 0);
  Atomics.store(control, CONTROL.open, 1);
  Atomics.add(control, CONTROL.generation, 1);
  Atomics.notify(control, CONTROL.generation);
}

/** What a team needs of a worker thread. */
interface Helper {
  postMessage(mail: MachineMail): void;
}

/** `size` threads, the caller's among them. Helpers sleep between calls and keep no process alive. */
export function createTeam(size: number): Team {
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  if (!threads)
    throw new FedaiError(
      'NO_THREADS',
      'this runtime has no worker threads',
      {},
      { remedy: 'use one thread' },
    );
  const control = new Int32Array(new SharedArrayBuffer(4 * (HEADER_WORDS + MAX_PIECES * PIECE_WORDS)));
  const helpers: Helper[] = Array.from({ length: size - 1 }, () => {
    const helper = new threads.Worker(new URL('./helper.ts', import.meta.url), { workerData: control });
    helper.unref();
    return helper;
  });
  const post = (helper: Helper, mail: MachineMail): void => helper.postMessage(mail);
  const gone = new FinalizationRegistry<number>((id) => {
    for (const helper of helpers) post(helper, { id });
  });
  let machines = 0;
  return {
    size,
    join(owner, module, memory, scratches) {
      const id = machines++;
      helpers.forEach((helper, i) => {
        post(helper, { id, module, memory, scratch: scratches[i]! });
      });
      gone.register(owner, id);
      return id;
    },
    call(machine, kernels, name, pieces) {
      const names = kernelNames(kernels);
      describe(control, machine, names.indexOf(name), pieces);
      workOff(control, kernels, names);
      until(control, CONTROL.done, (done) => done === pieces.length);
      if (control[CONTROL.failed])
        throw new FedaiError('KERNEL_TRAPPED', `kernel ${name} left its memory`, { name });
      return control[CONTROL.result]!;
    },
  };
}

const teams = new Map<number, Team>();

/** One team of a size a process: machines share it. */
export function teamOf(size: number): Team {
  const team = teams.get(size) ?? createTeam(size);
  teams.set(size, team);
  return team;
}
