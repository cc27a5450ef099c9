/** What the layers of one session share: tensors on the device, places of their exponents and magnitudes, scratch space. */
import type { FormatSpec } from '../arithmetic/format.ts';
import { INPUT_EXPONENT, MASTER_EXPONENT } from '../arithmetic/integers.ts';
import { PROBABILITY_BITS } from '../arithmetic/softmax.ts';
import type { Program } from './program.ts';

/** Mantissas, or int32 values, of a whole batch; `exponent` is the place of its exponent, or of its first sample's. */
export interface Slot {
  readonly buffer: GPUBuffer;
  readonly exponent: number;
}

/** Masters of one tensor, its mantissas, and when training its velocity and gradient. */
export interface Tensor {
  readonly size: number;
  readonly weight: GPUBuffer;
  readonly velocity: GPUBuffer | undefined;
  readonly gradient: Slot | undefined;
  /** Place of the masters' magnitude. */
  readonly magnitude: number;
}

export interface Context {
  readonly program: Program;
  readonly format: FormatSpec;
  /** Four 8-bit products at once, where operands are that narrow. */
  readonly packed: boolean;
  readonly count: number;
  /** Each sample has an exponent of its own (predictions), or the batch has one. */
  readonly bySample: boolean;
  readonly tensors: readonly Tensor[];
  readonly places: Places;
  readonly scratch: Scratch;
}

/** Buffers of places; constants are filled in before the first step. */
export interface Places {
  readonly exponents: GPUBuffer;
  /** OR of magnitudes of what a step computes; zero at its start. */
  readonly magnitudes: GPUBuffer;
  readonly weightMagnitudes: GPUBuffer;
  /** A place for each sample, or one. */
  take(): number;
  readonly master: number;
  readonly input: number;
  readonly probability: number;
}

/** A layer takes at most nine (output, kernel, gradients, int32 results, magnitudes), the ends of the model a few more. */
const PLACES_A_LAYER = 10;

export function createPlaces(
  program: Program,
  format: FormatSpec,
  layers: number,
  tensors: number,
  samples: number,
): Places {
  const total = samples * (PLACES_A_LAYER * layers + 8);
  const first = new Int32Array(total);
  let next = 0;
  const take = (): number => {
    next += samples;
    return next - samples;
  };
  const constant = (value: number): number => {
    const place = take();
    first.fill(value, place, place + samples);
    return place;
  };
  const [master, input, probability] = [
    constant(MASTER_EXPONENT),
    constant(INPUT_EXPONENT + format.inputShift),
    constant(-PROBABILITY_BITS),
  ];
  return {
    exponents: program.filled(first),
    magnitudes: program.buffer(total),
    weightMagnitudes: program.buffer(tensors),
    take,
    master,
    input,
    probability,
  };
}

/** Shared by all layers: they run one after the other. */
export interface Scratch {
  /** int32 results before narrowing. */
  readonly wide: GPUBuffer;
  /** A gradient less what ReLU stops. */
  readonly masked: GPUBuffer;
  /** Slices of a kernel gradient, and their sums in pairs of words. */
  readonly slices: GPUBuffer;
  readonly sums: GPUBuffer;
  readonly nothing: GPUBuffer;
}
