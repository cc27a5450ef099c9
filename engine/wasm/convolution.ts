/** Convolution layers: windows of a zero-padded image packed on the fly, for output, kernel gradient and input gradient. */
import { type FormatSpec, largest } from '../arithmetic/format.ts';
import { foldShift } from '../arithmetic/integers.ts';
import { backwardTermsOf, type ConvLayer, positionsOf, termsOf, volume } from '../model.ts';
import type { Machine } from './machine.ts';
import {
  type Context,
  createBiasRow,
  MANTISSA_BYTES,
  maskInto,
  narrowInto,
  narrowTensor,
  type Ports,
  pairLimit,
  roundUp,
  type ScratchSizes,
  type Slot,
  type Stage,
} from './stage.ts';

/** Mantissas of one packed block of windows in the kernel gradient: stays in the second-level cache. */
const BLOCK_MANTISSAS = 2 ** 18;

/** Pairs of positions that one block of the kernel gradient takes: exact in int32, and few enough for the cache. */
const blockPairs = (format: FormatSpec, layer: ConvLayer): number =>
  Math.max(
    1,
    Math.min(
      256,
      pairLimit(layer.inputBound, largest(format.gradientBits)),
      Math.floor(BLOCK_MANTISSAS / termsOf(layer) / 2),
    ),
  );

export function convolutionScratch(
  format: FormatSpec,
  layer: ConvLayer,
  count: number,
): Partial<ScratchSizes> {
  const [terms, backTerms, filters] = [termsOf(layer), backwardTermsOf(layer), layer.output[2]];
  const block = 2 * blockPairs(format, layer);
  const inputs = layer.input[0] * layer.input[1];
  const longest = Math.max(terms, backTerms);
  const rows = Math.max(positionsOf(layer) * roundUp(filters, 8), inputs * roundUp(layer.input[2], 8));
  return {
    wide: 4 * (count * rows + 4 * roundUp(Math.max(filters, layer.input[2]), 8)),
    panelA: MANTISSA_BYTES * Math.max(4 * roundUp(longest, 8), roundUp(terms, 4) * roundUp(block, 8)),
    panelB: MANTISSA_BYTES * roundUp(filters, 8) * block,
    rows: Math.max(4 * (MANTISSA_BYTES * longest + 16), MANTISSA_BYTES * terms * block) + 32,
    sums: 8 * roundUp(terms, 4) * roundUp(filters, 8),
    zero: 4 * roundUp(Math.max(longest, filters, layer.input[2]), 8),
  };
}

/** A zero-padded copy of a batch of images, and the addresses of the windows in it. */
interface Padded {
  readonly pitch: number;
  readonly table: number;
  fill(src: number, count: number): void;
}

interface Geometry {
  /** Height, width and channels of the images copied in. */
  readonly image: readonly [number, number, number];
  /** Pixel (y, x) of an image goes to (before + y · spread). */
  readonly before: readonly [number, number];
  readonly spread: readonly [number, number];
  readonly size: readonly [number, number];
  /** Windows: rows and columns, and their distance. */
  readonly windows: readonly [number, number];
  readonly stride: readonly [number, number];
}

function createPadded(machine: Machine, geometry: Geometry, count: number): Padded {
  const { image, before, spread, size, windows, stride } = geometry;
  const pixel = MANTISSA_BYTES * image[2];
  const extent = (axis: 0 | 1): number =>
    Math.max(
      before[axis] + (image[axis] - 1) * spread[axis] + 1,
      (windows[axis] - 1) * stride[axis] + size[axis],
    );
  const pitch = extent(1) * pixel;
  const plane = extent(0) * pitch;
  const buffer = machine.allocate(count * plane);
  const table = machine.allocate(4 * count * windows[0] * windows[1]);
  machine.kernels.windows(
    buffer,
    table,
    count,
    windows[0],
    windows[1],
    stride[1] * pixel,
    stride[0] * pitch,
    plane,
  );
  const bytes = image[0] * image[1] * pixel;
  const start = buffer + before[0] * pitch + before[1] * pixel;
  return {
    pitch,
    table,
    fill(src, n) {
      machine.parallel('place', n, 1, (begin, end) => [
        src + begin * bytes,
        start + begin * plane,
        end - begin,
        image[0],
        image[1],
        pixel,
        spread[0],
        spread[1],
        pitch,
        plane,
      ]);
    },
  };
}

/** The images a layer's windows read, forward. */
const forwardGeometry = (layer: ConvLayer): Geometry => ({
  image: layer.input,
  before: layer.before,
  spread: [1, 1],
  size: layer.size,
  windows: [layer.output[0], layer.output[1]],
  stride: layer.stride,
});

/** The input gradient is a convolution of the spread-out output gradient with the reversed kernel. */
const backwardGeometry = (layer: ConvLayer): Geometry => ({
  image: layer.output,
  before: [layer.size[0] - 1 - layer.before[0], layer.size[1] - 1 - layer.before[1]],
  spread: layer.stride,
  size: layer.size,
  windows: [layer.input[0], layer.input[1]],
  stride: [1, 1],
});

interface Windows {
  /** Rows of a window and elements of each. */
  readonly rows: number;
  readonly segment: number;
  readonly packed: number;
  readonly columns: number;
  readonly limit: number;
  readonly shift: number;
  readonly bias: number;
  readonly relu: boolean;
}

/** Windows times packed kernel into `wide`, positions shared out among threads; returns the OR of the magnitudes. */
function convolve({ machine, scratch }: Context, padded: Padded, positions: number, of: Windows): number {
  return machine.parallel('convolve', positions, 4, (begin, end, piece) => [
    padded.table + 4 * begin,
    end - begin,
    padded.pitch,
    of.rows,
    of.segment,
    of.packed,
    of.columns,
    of.limit,
    of.shift,
    of.bias,
    of.relu ? 1 : 0,
    scratch.wide + 4 * begin * of.columns,
    scratch.panelA + piece * scratch.sizes.panelA,
    scratch.rows + piece * scratch.sizes.rows,
  ]);
}

/** Gradient of the input: needs the kernel's mantissas at each `prepare`. */
function createBackward(context: Context, layer: ConvLayer, weights: Slot, gradient: Slot, to: Slot) {
  const { format, machine, scratch } = context;
  const { kernels } = machine;
  const [channels, filters] = [layer.input[2], layer.output[2]];
  const columns = roundUp(channels, 8);
  const taps = layer.size[0] * layer.size[1];
  const terms = backwardTermsOf(layer);
  const flipped = machine.allocate(MANTISSA_BYTES * terms * channels);
  const packed = machine.allocate(MANTISSA_BYTES * columns * roundUp(terms, 2));
  const padded = createPadded(machine, backwardGeometry(layer), context.capacity);
  const [weightMax, gradientMax] = [largest(format.weightBits), largest(format.gradientBits)];
  const shift = foldShift(terms, gradientMax, weightMax);
  return {
    prepare() {
      kernels.flip(weights.pointer, flipped, taps, channels, filters);
      kernels.packStrided(flipped, MANTISSA_BYTES * channels, channels, terms, 8, packed);
    },
    run(count: number) {
      const positions = count * layer.input[0] * layer.input[1];
      padded.fill(gradient.pointer, count);
      const bits = convolve(context, padded, positions, {
        rows: layer.size[0],
        segment: layer.size[1] * filters,
        packed,
        columns,
        limit: pairLimit(gradientMax, weightMax),
        shift,
        bias: scratch.zero,
        relu: false,
      });
      if (columns !== channels) kernels.compact(scratch.wide, positions, columns, channels);
      narrowInto(
        machine,
        scratch.wide,
        to,
        count * volume(layer.input),
        bits,
        gradient.exponent + weights.exponent + shift,
        format.gradientBits,
      );
    },
  };
}

/** Gradients of kernel and bias from the output gradient and the padded input of the forward pass. */
function createGradients(context: Context, layer: ConvLayer, ports: Ports, padded: Padded) {
  const { format, machine, scratch, tensors } = context;
  const { kernels } = machine;
  const [terms, filters] = [termsOf(layer), layer.output[2]];
  const [columns, segment] = [roundUp(filters, 8), layer.size[1] * layer.input[2]];
  const kernel = tensors[layer.kernel]!;
  const bias = layer.bias < 0 ? undefined : tensors[layer.bias]!;
  const pairs = blockPairs(format, layer);
  const tiles = machine.allocate(4 * roundUp(terms, 4) * columns * machine.pieces);
  return (positions: number, gradient: Slot): void => {
    const fold = foldShift(positions, layer.inputBound, largest(format.gradientBits));
    const { sizes } = scratch;
    const cells = roundUp(terms, 4) * columns;
    const sums = 8 * cells;
    const pieces = Math.min(machine.pieces, positions);
    machine.parallel('kernelGradient', positions, 1, (begin, end, piece) => [
      padded.table + 4 * begin,
      end - begin,
      padded.pitch,
      layer.size[0],
      segment,
      gradient.pointer + MANTISSA_BYTES * begin * filters,
      filters,
      pairs,
      tiles + 4 * cells * piece,
      scratch.sums + sums * piece,
      scratch.panelA + piece * sizes.panelA,
      scratch.panelB + piece * sizes.panelB,
      scratch.rows + piece * sizes.rows,
    ]);
    machine.parallel('foldSums', cells, 4, (begin, end) => [
      scratch.sums + 8 * begin,
      pieces,
      cells,
      end - begin,
      fold,
      kernel.gradient + 4 * begin,
    ]);
    if (columns !== filters) kernels.compact(kernel.gradient, terms, columns, filters);
    kernel.gradientExponent = ports.input.exponent + gradient.exponent + fold;
    if (!bias) return;
    kernels.columnSums(gradient.pointer, positions, filters, bias.gradient);
    bias.gradientExponent = gradient.exponent;
  };
}

/** The last layer's int32 logits stay in `wide`, as those of a dense one. */
export function createConvolution(context: Context, layer: ConvLayer, ports: Ports, last: boolean): Stage {
  const { format, machine, scratch, tensors } = context;
  const { kernels } = machine;
  const [terms, filters] = [termsOf(layer), layer.output[2]];
  const columns = roundUp(filters, 8);
  const kernel = tensors[layer.kernel]!;
  const bias = createBiasRow(context, layer.bias < 0 ? undefined : tensors[layer.bias]!);
  const weights: Slot = { pointer: machine.allocate(MANTISSA_BYTES * kernel.size), exponent: 0 };
  const packed = machine.allocate(MANTISSA_BYTES * columns * roundUp(terms, 2));
  const padded = createPadded(machine, forwardGeometry(layer), context.capacity);
  const weightMax = largest(format.weightBits);
  const shift = foldShift(terms, layer.inputBound, weightMax);
  const limit = pairLimit(layer.inputBound, weightMax);
  const { input, output, inputGradient, outputGradient, masked } = ports;
  const gradients = createGradients(context, layer, ports, padded);
  const back =
    inputGradient && masked ? createBackward(context, layer, weights, masked, inputGradient) : undefined;

  return {
    bind: bias.bind,
    prepare() {
      narrowTensor(context, kernel, weights);
      kernels.packStrided(weights.pointer, MANTISSA_BYTES * filters, filters, terms, 8, packed);
      back?.prepare();
    },
    forward(count) {
      const positions = count * positionsOf(layer);
      const exponent = input.exponent + weights.exponent + shift;
      padded.fill(input.pointer, count);
      const bits = convolve(context, padded, positions, {
        rows: layer.size[0],
        segment: layer.size[1] * layer.input[2],
        packed,
        columns,
        limit,
        shift,
        bias: bias.fill(exponent),
        relu: layer.relu,
      });
      output.exponent = exponent;
      if (last) return;
      if (columns !== filters) kernels.compact(scratch.wide, positions, columns, filters);
      narrowInto(machine, scratch.wide, output, positions * filters, bits, exponent, format.activationBits);
    },
    backward(count) {
      const gradient = masked!;
      const positions = count * positionsOf(layer);
      if (layer.relu) maskInto(machine, outputGradient!, output, gradient, positions * filters);
      gradient.exponent = outputGradient!.exponent;
      gradients(positions, gradient);
      back?.run(count);
    },
  };
}
