/** One WebAssembly instance with its memory: kernels, a bump allocator, views. Owns no arithmetic. */
import { FedaiError } from '../../core/index.ts';
import { type Exports, MAX_PIECES, type Team, teamOf } from './team.ts';

type Pointer = number;

/** Exports of engine/wasm/assembly; pointers and sizes as documented there. */
export interface Kernels {
  /** Gives an instance 384 bytes of its own; once, before `product` or `convolve`. */
  useScratch(at: Pointer): void;
  packContiguous(
    src: Pointer,
    pitch: number,
    rows: number,
    k: number,
    r: number,
    dst: Pointer,
    zero: Pointer,
  ): void;
  packStrided(src: Pointer, pitch: number, columns: number, k: number, r: number, dst: Pointer): void;
  product(
    pa: Pointer,
    pb: Pointer,
    m: number,
    k: number,
    n: number,
    limit: number,
    shift: number,
    c: Pointer,
    ldc: number,
  ): void;
  compact(c: Pointer, rows: number, pitch: number, columns: number): void;
  finish(c: Pointer, rows: number, columns: number, bias: Pointer, relu: number): number;
  magnitude(src: Pointer, n: number): number;
  narrow(src: Pointer, dst: Pointer, n: number, shift: number, limit: number): void;
  columnSums(src: Pointer, rows: number, columns: number, dst: Pointer): void;
  mask(gradient: Pointer, output: Pointer, dst: Pointer, n: number): void;
  relu(src: Pointer, dst: Pointer, n: number): void;
  widen(src: Pointer, dst: Pointer, n: number, shift: number, limit: number): void;
  update(
    w: Pointer,
    v: Pointer,
    g: Pointer,
    n: number,
    shift: number,
    momentum: number,
    rate: number,
    bits: Pointer,
    out: Pointer,
  ): void;
  panelBytes(groups: number, r: number): number;
  groupsOf(k: number): number;
  poolForward(
    src: Pointer,
    dst: Pointer,
    index: Pointer,
    count: number,
    height: number,
    width: number,
    channels: number,
    ph: number,
    pw: number,
  ): void;
  poolBackward(
    gradient: Pointer,
    index: Pointer,
    dst: Pointer,
    count: number,
    height: number,
    width: number,
    channels: number,
    ph: number,
    pw: number,
  ): void;
  place(
    src: Pointer,
    dst: Pointer,
    count: number,
    height: number,
    width: number,
    pixel: number,
    sy: number,
    sx: number,
    pitch: number,
    plane: number,
  ): void;
  flip(src: Pointer, dst: Pointer, taps: number, channels: number, filters: number): void;
  windows(
    src: Pointer,
    dst: Pointer,
    count: number,
    rows: number,
    columns: number,
    stepX: number,
    stepY: number,
    plane: number,
  ): void;
  convolve(
    at: Pointer,
    positions: number,
    pitch: number,
    kh: number,
    segment: number,
    pb: Pointer,
    n: number,
    limit: number,
    shift: number,
    bias: Pointer,
    rectify: number,
    c: Pointer,
    panel: Pointer,
    scratch: Pointer,
  ): number;
  kernelGradient(
    at: Pointer,
    positions: number,
    pitch: number,
    kh: number,
    segment: number,
    gradient: Pointer,
    n: number,
    limit: number,
    c: Pointer,
    sums: Pointer,
    pa: Pointer,
    pb: Pointer,
    scratch: Pointer,
  ): void;
  foldSums(sums: Pointer, pieces: number, cells: number, n: number, shift: number, c: Pointer): void;
}

/** Kernels of the plain build alone (engine/wasm/assembly/graph.ts): what graphs need beside products. */
export type GraphKernel =
  | 'accumulate'
  | 'adamw'
  | 'addRepeated'
  | 'attentionForward'
  | 'averageForward'
  | 'columnDots'
  | 'crossEntropy'
  | 'dropout'
  | 'gatherRows'
  | 'lookUp'
  | 'lookUpTimes'
  | 'narrowParts'
  | 'normBackward'
  | 'normalise'
  | 'normaliseMoving'
  | 'rowSlopes'
  | 'rowStatistics'
  | 'scaleBy'
  | 'scaleDown'
  | 'scaleOffset'
  | 'scoreGradients'
  | 'scoreProducts'
  | 'sgdw'
  | 'shareGradients'
  | 'shareProducts'
  | 'spreadWindows';
/** Those that are not shared out among threads. */
export type SingleKernel =
  | 'attentionScratch'
  | 'channelSlopes'
  | 'channelStatistics'
  | 'scatterRows'
  | 'sumSquares';

/** Arguments of a kernel for elements begin … end − 1 of its work; `piece` counts the parts, for scratch space of their own. */
export type PieceArguments = (begin: number, end: number, piece: number) => readonly number[];

export interface Machine {
  readonly kernels: Kernels;
  /** The most parts that `parallel` makes. */
  readonly pieces: number;
  /** Calls a kernel on `total` elements in parts of a multiple of `grain`, on all threads; returns the OR of the results. */
  parallel(kernel: keyof Kernels, total: number, grain: number, of: PieceArguments): number;
  /** `parallel` for kernels of the plain build, which every machine has beside its own. */
  graph(kernel: GraphKernel, total: number, grain: number, of: PieceArguments): number;
  readonly single: Readonly<Record<SingleKernel, (...args: readonly number[]) => number>>;
  /** Zeroed memory, 64-byte aligned, with 64 bytes of slack behind it that kernels may read and write. */
  allocate(bytes: number): Pointer;
  /** Views are valid once nothing more is allocated. */
  int32(pointer: Pointer, length: number): Int32Array;
  doubles(pointer: Pointer, length: number): Float64Array;
  bytes(pointer: Pointer, length: number): Uint8Array<ArrayBuffer>;
}

const PAGE_BYTES = 65_536;
/** Whatever static data the module may have lies below. */
const FIRST_FREE = PAGE_BYTES;
const ALIGNMENT = 64;
/** What `useScratch` needs: the tile in progress of a sum longer than one int32 block. */
const SCRATCH_BYTES = 384;
const MAX_PAGES = 65_536;

/**
 * Compiled kernels: `plain` needs SIMD, `relaxed` relaxed SIMD and must pass its known answers first
 * (relaxed.ts); `shared…` are the same for a memory of several threads.
 */
export type Build = 'plain' | 'relaxed' | 'sharedPlain' | 'sharedRelaxed';

const compiled: Partial<Record<Build, Promise<WebAssembly.Module>>> = {};

async function compile(build: Build): Promise<WebAssembly.Module> {
  const generated = await import('./generated/kernels.ts');
  const base64 = {
    plain: generated.kernelsBase64,
    relaxed: generated.relaxedKernelsBase64,
    sharedPlain: generated.sharedKernelsBase64,
    sharedRelaxed: generated.sharedRelaxedKernelsBase64,
  }[build];
  return WebAssembly.compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

/** Compiles a build once a process; rejects when it is not built or this machine lacks what it needs. */
export function loadModule(build: Build = 'plain'): Promise<WebAssembly.Module> {
  compiled[build] ??= compile(build);
  return compiled[build];
}

/** Parts a thread, so that one that is disturbed holds up the others less. */
const PIECES_PER_THREAD = 2;

/** A kernel by name, shared out among threads. */
type Parallel = (name: string, total: number, grain: number, of: PieceArguments) => number;

/** `parallel` of one thread: the whole work is one call. */
const alone =
  (kernels: Exports): Parallel =>
  (name, total, _, of) =>
    kernels[name]!(...of(0, total, 0)) ?? 0;

const together =
  (kernels: Exports, team: Team, machine: number, most: number): Parallel =>
  (name, total, grain, of) => {
    const grains = Math.ceil(total / grain);
    const count = Math.min(grains, most);
    const pieces = Array.from({ length: count }, (_, piece) => {
      const begin = Math.floor((grains * piece) / count) * grain;
      return of(begin, Math.min(total, Math.floor((grains * (piece + 1)) / count) * grain), piece);
    });
    return team.call(machine, kernels, name, pieces);
  };

interface Instance {
  readonly exports: Exports;
  readonly parallel: Parallel;
}

/** An instance on the memory, and with threads one on each of a team; `scratch` has room for all of them. */
function createInstance(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  threads: number,
  pieces: number,
  scratch: Pointer,
): Instance {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as unknown as Exports;
  exports.useScratch!(scratch);
  if (threads === 1) return { exports, parallel: alone(exports) };
  const scratches = Array.from({ length: threads - 1 }, (_, i) => scratch + (i + 1) * SCRATCH_BYTES);
  const team = teamOf(threads);
  const machine = team.join(memory, module, memory, scratches);
  return { exports, parallel: together(exports, team, machine, pieces) };
}

/**
 * A fresh machine: an instance for products and, where that is not the plain build itself, one of the plain build on the same
 * memory. `threads` > 1 needs `shared…` builds. Throws `OUT_OF_MEMORY` when a model's buffers do not fit.
 */
export function createMachine(module: WebAssembly.Module, threads = 1, plainModule = module): Machine {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: MAX_PAGES, shared: threads > 1 });
  const pieces = threads > 1 ? Math.min(MAX_PIECES, PIECES_PER_THREAD * threads) : 1;
  const own = createInstance(module, memory, threads, pieces, FIRST_FREE);
  const second = FIRST_FREE + threads * SCRATCH_BYTES;
  const plain = plainModule === module ? own : createInstance(plainModule, memory, threads, pieces, second);
  let next = second + threads * SCRATCH_BYTES;
  return {
    kernels: own.exports as unknown as Kernels,
    pieces,
    parallel: own.parallel,
    graph: plain.parallel,
    single: plain.exports as Machine['single'],
    allocate(bytes) {
      const pointer = next;
      next += Math.ceil((bytes + ALIGNMENT) / ALIGNMENT) * ALIGNMENT;
      const missing = Math.ceil((next - memory.buffer.byteLength) / PAGE_BYTES);
      if (missing > 0) grow(memory, missing);
      return pointer;
    },
    int32: (pointer, length) => new Int32Array(memory.buffer, pointer, length),
    doubles: (pointer, length) => new Float64Array(memory.buffer, pointer, length),
    bytes: (pointer, length) => new Uint8Array(memory.buffer, pointer, length) as Uint8Array<ArrayBuffer>,
  };
}

function grow(memory: WebAssembly.Memory, pages: number): void {
  try {
    memory.grow(pages);
  } catch (cause) {
    throw new FedaiError(
      'OUT_OF_MEMORY',
      'the model does not fit in memory',
      { pages },
      { cause, remedy: 'use a smaller batchSize or model' },
    );
  }
}
