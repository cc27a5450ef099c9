/** What the stages of a WebAssembly session share: slots for mantissas, tensors in memory, scratch space, narrowing. */
import { type FormatSpec, largest } from '../arithmetic/format.ts';
import { bitLength, INT32_MAX, MASTER_EXPONENT, rescale } from '../arithmetic/integers.ts';
import type { Machine } from './machine.ts';

/** Mantissas (i16) of a whole batch at one exponent, which a step rewrites. */
export interface Slot {
  readonly pointer: number;
  exponent: number;
}

/** A layer's place in a session. `count` is the number of samples. */
export interface Stage {
  /** Narrows and packs the weights; once before a batch. */
  prepare?(): void;
  forward(count: number): void;
  backward?(count: number): void;
  /** After the optimiser. */
  settle?(): void;
  /** Makes views; called once all memory is allocated. */
  bind?(): void;
}

/** Where a stage reads and writes. Gradient slots are absent in sessions that only predict. */
export interface Ports {
  readonly input: Slot;
  readonly output: Slot;
  readonly inputGradient: Slot | undefined;
  readonly outputGradient: Slot | undefined;
  /** The output's gradient where the output is positive: the same slot unless other layers read that too. */
  readonly masked: Slot | undefined;
}

/** Masters, velocity and gradient of one tensor. */
export interface Tensor {
  readonly size: number;
  readonly weight: number;
  readonly velocity: number;
  readonly gradient: number;
  /** Place of this tensor's pair in `Context.magnitudes`. */
  readonly index: number;
  /** False of statistics, which the optimiser leaves alone. */
  readonly trained: boolean;
  /** Weight decay is for tensors of more than one dimension. */
  readonly decays: boolean;
  /** AdamW's second moments, in sessions that have them. */
  readonly second: number;
  /** Exponent of the gradient sum of the present step. */
  gradientExponent: number;
}

/** Buffers that live only within one stage's call, shared by all stages. */
export interface Scratch {
  /** Bytes of one part's panelA, panelB, rows and sums; there is room for as many as a machine makes. */
  readonly sizes: ScratchSizes;
  /** int32 results before narrowing. */
  readonly wide: number;
  readonly panelA: number;
  readonly panelB: number;
  readonly rows: number;
  readonly sums: number;
  /** Zeros: a bias that is not there, rows beyond the last. */
  readonly zero: number;
}

export interface ScratchSizes {
  wide: number;
  panelA: number;
  panelB: number;
  rows: number;
  sums: number;
  zero: number;
}

/** For each tensor the OR of its masters' magnitudes and of its velocity's, then room for the parts of an update; the optimiser keeps them current. */
export interface Magnitudes {
  readonly pointer: number;
  /** Two int32 a tensor; set once all memory is allocated. */
  view: Int32Array;
}

export interface Context {
  readonly format: FormatSpec;
  readonly machine: Machine;
  readonly tensors: readonly Tensor[];
  readonly scratch: Scratch;
  readonly magnitudes: Magnitudes;
  /** Samples a session holds at once. */
  readonly capacity: number;
  /** The present step; `counter` as in the reference. */
  readonly step: { counter: number };
}

export const MANTISSA_BYTES = 2;
/** Element-wise kernels take whole vectors of mantissas. */
const LANES = 8;

/** Two int32. */
export const MAGNITUDE_BYTES = 8;

export const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Pairs of terms whose products stay below 2^31 in one int32 sum. */
export const pairLimit = (boundA: number, boundB: number): number =>
  Math.floor(INT32_MAX / (boundA * boundB) / 2);

/** Narrows `n` int32 values at `exponent` into a slot of `width` bits, given the OR of their magnitudes. */
export function narrowInto(
  machine: Machine,
  wide: number,
  slot: Slot,
  n: number,
  bits: number,
  exponent: number,
  width: number,
): void {
  const shift = Math.max(0, bitLength(bits) - width);
  const limit = largest(width);
  machine.parallel('narrow', n, LANES, (begin, end) => [
    wide + 4 * begin,
    slot.pointer + MANTISSA_BYTES * begin,
    end - begin,
    shift,
    limit,
  ]);
  slot.exponent = exponent + shift;
}

/** Passes gradients where the output is positive. */
export function maskInto(machine: Machine, gradient: Slot, output: Slot, to: Slot, n: number): void {
  machine.parallel('mask', n, LANES, (begin, end) => [
    gradient.pointer + MANTISSA_BYTES * begin,
    output.pointer + MANTISSA_BYTES * begin,
    to.pointer + MANTISSA_BYTES * begin,
    end - begin,
  ]);
}

/** Columns of mantissas [k, columns] into panels of `r`. */
export function packColumns(
  machine: Machine,
  from: number,
  columns: number,
  k: number,
  r: 4 | 8,
  to: number,
): void {
  const { kernels } = machine;
  const panel = kernels.panelBytes(kernels.groupsOf(k), r) / r;
  machine.parallel('packStrided', columns, r, (begin, end) => [
    from + MANTISSA_BYTES * begin,
    MANTISSA_BYTES * columns,
    end - begin,
    k,
    r,
    to + begin * panel,
  ]);
}

/** A tensor's mantissas, narrowed from its masters; by default to the width of kernels. */
export function narrowTensor(
  { machine, magnitudes, format }: Context,
  tensor: Tensor,
  into: Slot,
  width = format.weightBits,
): void {
  const bits = magnitudes.view[2 * tensor.index]!;
  narrowInto(machine, tensor.weight, into, tensor.size, bits, MASTER_EXPONENT, width);
}

/** A slot for `size` mantissas. */
export const createSlot = (machine: Machine, size: number): Slot => ({
  pointer: machine.allocate(MANTISSA_BYTES * size),
  exponent: 0,
});

/** A bias row at the exponent of a product, padded with zeros; `fill` returns its pointer. */
export interface BiasRow {
  bind(): void;
  fill(exponent: number): number;
}

export function createBiasRow(context: Context, tensor: Tensor | undefined): BiasRow {
  const { machine, scratch } = context;
  if (!tensor) return { bind: () => undefined, fill: () => scratch.zero };
  const row = machine.allocate(4 * roundUp(tensor.size, 8));
  let from: Int32Array = new Int32Array(0);
  let to: Int32Array = new Int32Array(0);
  return {
    bind() {
      from = machine.int32(tensor.weight, tensor.size);
      to = machine.int32(row, tensor.size);
    },
    fill(exponent) {
      for (let i = 0; i < to.length; i++) to[i] = rescale(from[i]!, exponent - MASTER_EXPONENT);
      return row;
    },
  };
}
