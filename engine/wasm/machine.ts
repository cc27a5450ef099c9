/** One WebAssembly instance with its memory: kernels, a bump allocator, views. Owns no arithmetic. */
import { FedaiError } from '../../core/index.ts';

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
  ): void;
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
    shift: number,
    c: Pointer,
    sums: Pointer,
    pa: Pointer,
    pb: Pointer,
    scratch: Pointer,
  ): void;
}

export interface Machine {
  readonly kernels: Kernels;
  /** Zeroed memory, 64-byte aligned, with 64 bytes of slack behind it that kernels may read and write. */
  allocate(bytes: number): Pointer;
  /** Views are valid once nothing more is allocated. */
  int32(pointer: Pointer, length: number): Int32Array;
  bytes(pointer: Pointer, length: number): Uint8Array<ArrayBuffer>;
}

const PAGE_BYTES = 65_536;
/** Whatever static data the module may have lies below. */
const FIRST_FREE = PAGE_BYTES;
const ALIGNMENT = 64;
/** What `useScratch` needs: the tile in progress of a sum longer than one int32 block. */
const SCRATCH_BYTES = 384;
const MAX_PAGES = 65_536;

/** Compiled kernels: `plain` needs SIMD, `relaxed` relaxed SIMD and must pass its known answers first (relaxed.ts). */
export type Build = 'plain' | 'relaxed';

const compiled: Partial<Record<Build, Promise<WebAssembly.Module>>> = {};

async function compile(build: Build): Promise<WebAssembly.Module> {
  const { kernelsBase64, relaxedKernelsBase64 } = await import('./generated/kernels.ts');
  const base64 = build === 'plain' ? kernelsBase64 : relaxedKernelsBase64;
  return WebAssembly.compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

/** Compiles a build once a process; rejects when it is not built or this machine lacks what it needs. */
export function loadModule(build: Build = 'plain'): Promise<WebAssembly.Module> {
  compiled[build] ??= compile(build);
  return compiled[build];
}

/** A fresh instance; throws `OUT_OF_MEMORY` when a model's buffers do not fit. */
export function createMachine(module: WebAssembly.Module): Machine {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: MAX_PAGES });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = instance.exports as unknown as Kernels;
  let next = FIRST_FREE + SCRATCH_BYTES;
  kernels.useScratch(FIRST_FREE);
  return {
    kernels,
    allocate(bytes) {
      const pointer = next;
      next += Math.ceil((bytes + ALIGNMENT) / ALIGNMENT) * ALIGNMENT;
      const missing = Math.ceil((next - memory.buffer.byteLength) / PAGE_BYTES);
      if (missing > 0) grow(memory, missing);
      return pointer;
    },
    int32: (pointer, length) => new Int32Array(memory.buffer, pointer, length),
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
