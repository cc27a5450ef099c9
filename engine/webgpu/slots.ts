/** What the layers of one session share: tensors on the device, places of their exponents and magnitudes, scratch space. */
import { FedaiError } from '../../core/index.ts';
import type { FormatSpec } from '../arithmetic/format.ts';
import { INPUT_EXPONENT, MASTER_EXPONENT } from '../arithmetic/integers.ts';
import { PROBABILITY_BITS } from '../arithmetic/softmax.ts';
import { SQUARED_GRADIENT_BITS } from '../arithmetic/squared.ts';
import { type Program, severalEach } from './program.ts';

/** Mantissas, or int32 values, of a whole batch; `exponent` is the place of its exponent, or of its first sample's. */
export interface Slot {
  readonly buffer: GPUBuffer;
  readonly exponent: number;
}

/** Masters of one tensor, its mantissas, and when training its moments and gradient. */
export interface Tensor {
  readonly size: number;
  readonly weight: GPUBuffer;
  /** The optimiser's moments, first and second. */
  readonly moments: readonly GPUBuffer[];
  /** Absent of statistics, which move by their layer's rule. */
  readonly gradient: Slot | undefined;
  readonly decays: boolean;
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
  readonly shared: Shared;
}

/** Buffers that some layers need beside their own. */
export interface Shared {
  /** The batch's inputs as they came, four bytes to a word. */
  readonly bytes: GPUBuffer;
  /** What the processor gives each step: see step.ts. */
  readonly words: GPUBuffer;
  /** Tables of the softmax. */
  readonly tables: GPUBuffer;
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
  readonly squared: number;
}

/** Attention takes most: its output, five int32 results on the way, their magnitudes, their gradients. */
const PLACES_A_LAYER = 32;

export function createPlaces(
  program: Program,
  format: FormatSpec,
  layers: number,
  tensors: number,
  samples: number,
): Places {
  const total = samples * (PLACES_A_LAYER * (layers + 1));
  const first = new Int32Array(total);
  let next = 0;
  const take = (): number => {
    next += samples;
    if (next > total) throw new FedaiError('NO_PLACE', 'a layer takes more places than expected', { total });
    return next - samples;
  };
  const constant = (value: number): number => {
    const place = take();
    first.fill(value, place, place + samples);
    return place;
  };
  const [master, input, probability, squared] = [
    constant(MASTER_EXPONENT),
    constant(INPUT_EXPONENT + format.inputShift),
    constant(-PROBABILITY_BITS),
    constant(-SQUARED_GRADIENT_BITS),
  ];
  return {
    exponents: program.filled(first),
    magnitudes: program.buffer(total),
    weightMagnitudes: program.buffer(tensors),
    take,
    master,
    input,
    probability,
    squared,
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
  /** Sums of the groups of a normalisation. */
  readonly groups: GPUBuffer;
  /** Gradients of scores. */
  readonly scores: GPUBuffer;
  readonly nothing: GPUBuffer;
}

/** Where a layer reads and writes; gradients are absent where none is needed. */
export interface Ports {
  readonly inputs: readonly Slot[];
  readonly output: Slot;
  readonly inputGradient: Slot | undefined;
  readonly outputGradient: Slot | undefined;
  /** Its output are the logits, which stay int32. */
  readonly last: boolean;
}

/** How one layer takes part in a step: each of these adds its calls to the program. */
export interface Stage {
  forward(): void;
  backward?(): void;
  /** After the optimiser. */
  settle?(): void;
}

/** int32 values and the place of their magnitude. */
export interface Raw {
  readonly slot: Slot;
  readonly magnitude: number;
}

/** Calls a kernel of wgsl/measured.ts on `size` elements of the batch; its values go to scratch space, or to `given`. */
export function measure(
  { program, places, scratch, count, bySample }: Context,
  name: string,
  size: number,
  fields: readonly number[],
  reads: readonly GPUBuffer[],
  given?: Raw,
): Raw {
  const raw = given ?? {
    slot: { buffer: scratch.wide, exponent: places.take() },
    magnitude: places.take(),
  };
  program.call(
    name,
    [size, size / count, bySample ? 1 : 0, raw.magnitude, raw.slot.exponent, ...fields],
    [raw.slot.buffer, places.exponents, places.magnitudes, ...reads],
    [severalEach(size)],
  );
  return raw;
}

/** Narrows `size` values of the batch to mantissas. */
export function narrowInto(
  { program, places, count, bySample }: Context,
  { slot, magnitude }: Raw,
  to: Slot,
  size: number,
  bits: number,
): void {
  program.call(
    'narrow',
    [size, size / count, bySample ? 1 : 0, bits, slot.exponent, to.exponent, magnitude],
    [slot.buffer, to.buffer, places.exponents, places.magnitudes],
  );
}

/** Mantissas of a tensor, narrowed anew in each step; one exponent for all samples. */
export function narrowTensor({ program, places, tensors }: Context, index: number, bits: number): Slot {
  const { size, weight, magnitude } = tensors[index]!;
  const slot = { buffer: program.buffer(size), exponent: places.take() };
  program.call(
    'narrow',
    [size, size, 0, bits, places.master, slot.exponent, magnitude],
    [weight, slot.buffer, places.exponents, places.weightMagnitudes],
  );
  return slot;
}
