/** Dense and convolution layers on the device: output, gradients of kernel and bias, gradient of the input. */
import { largest } from '../arithmetic/format.ts';
import { foldShift, INT32_MAX } from '../arithmetic/integers.ts';
import {
  backwardTermsOf,
  type ConvLayer,
  type DenseLayer,
  positionsOf,
  type Shape,
  termsOf,
  volume,
} from '../model.ts';
import { MAX_WORKGROUPS } from './program.ts';
import type { Context, Slot } from './slots.ts';
import { type ProductKind, productName, TERMS, TILE } from './wgsl/products.ts';

/** A dense layer is a convolution whose window is its whole input, taken as one pixel. */
interface Geometry {
  readonly image: Shape;
  readonly output: Shape;
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly before: readonly [number, number];
  readonly groups: number;
}

const geometryOf = (layer: DenseLayer | ConvLayer): Geometry =>
  layer.kind === 'conv2d'
    ? {
        image: layer.input,
        output: layer.output,
        size: layer.size,
        stride: layer.stride,
        before: layer.before,
        groups: layer.groups,
      }
    : {
        image: [1, 1, volume(layer.input)],
        output: layer.output,
        size: [1, 1],
        stride: [1, 1],
        before: [0, 0],
        groups: 1,
      };

/** Row and column in the window, channel, place in the kernel: one for each term of the output. */
function forwardTaps({ image, output, size, groups }: Geometry): Int32Array {
  const [channels, filters] = [image[2] / groups, output[2]];
  const taps = new Int32Array(4 * size[0] * size[1] * channels);
  for (let term = 0; term < taps.length / 4; term++) {
    const place = Math.floor(term / channels);
    taps.set([Math.floor(place / size[1]), place % size[1], term % channels, term * filters], 4 * term);
  }
  return taps;
}

/** The same for the gradient of the input: the window is turned round. */
function backwardTaps({ image, output, size, groups }: Geometry): Int32Array {
  const [channels, filters] = [image[2] / groups, output[2] / groups];
  const taps = new Int32Array(4 * size[0] * size[1] * filters);
  for (let term = 0; term < taps.length / 4; term++) {
    const place = Math.floor(term / filters);
    const filter = term % filters;
    taps.set(
      [-Math.floor(place / size[1]), -(place % size[1]), filter, place * channels * output[2] + filter],
      4 * term,
    );
  }
  return taps;
}

/** Terms whose products stay below 2^31 in one int32 sum, whole steps of them. */
const blockOf = (boundA: number, boundB: number): number =>
  Math.max(1, Math.floor(INT32_MAX / (boundA * boundB) / TERMS));

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Pixels of a sample whose windows are taken. */
  readonly pixels: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly start: readonly [number, number];
  /** The image that is read. */
  readonly image: Shape;
  readonly stepB: number;
  readonly spread: readonly [number, number];
  readonly bounds: readonly [number, number];
  readonly groups: number;
  /** Of each group: channels that it reads of the left operand, and columns or filters of the right one. */
  readonly steps: readonly [number, number];
}

interface Ends {
  readonly left: Slot;
  readonly right: Slot;
  readonly taps: GPUBuffer;
  readonly out: GPUBuffer;
  readonly exponentOut: number;
  readonly bias?: GPUBuffer | undefined;
  readonly relu?: boolean;
}

/** The parameters of the kernel, as its struct has them. */
function parametersOf(
  { m, n, k, pixels, stride, start, image, stepB, spread, bounds, groups, steps }: Product,
  ends: Ends,
  rest: { fold: number; slice: number; magnitude: number; bySample: boolean },
): number[] {
  const [height, width, channels] = image;
  return [
    ...[m, n, k, rest.fold, ...pixels, stride[0], stride[1], start[0], start[1], height, width],
    ...[width * channels, volume(image), channels, stepB, ...spread, blockOf(...bounds), rest.slice],
    ...[ends.left.exponent, ends.right.exponent, ends.exponentOut, rest.magnitude],
    ...[ends.bias ? 1 : 0, ends.relu ? 1 : 0, rest.bySample ? 1 : 0],
    ...[groups, ...steps, n * groups, n * groups],
  ];
}

const tiles = (n: number): number => Math.ceil(n / TILE);

function variant(context: Context, kind: ProductKind, long: boolean): string {
  return productName({ kind, long, packed: context.packed && !long });
}

/** Windows of an image times a kernel, into int32; returns the place of the magnitude. */
function windowsProduct(context: Context, product: Product, ends: Ends): number {
  const { program, places, scratch, bySample } = context;
  const magnitude = places.take();
  const { m, n, k, bounds, groups } = product;
  const fold = foldShift(k, ...bounds);
  const long = k > blockOf(...bounds) * TERMS;
  program.call(
    variant(context, 'windows', long),
    parametersOf(product, ends, { fold, slice: k, magnitude, bySample }),
    [
      ends.left.buffer,
      ends.right.buffer,
      ends.taps,
      ends.out,
      ends.bias ?? scratch.nothing,
      places.exponents,
      places.magnitudes,
    ],
    [tiles(m), tiles(n), groups],
  );
  return magnitude;
}

/** Values that one round of a kernel gradient holds, and terms of one slice of them: as many as int32 holds of 12-bit operands. */
export const SLICE_VALUES = 2 ** 23;
export const SLICE_TERMS = 512;

/** Exact sums over batch and positions: slices that int32 holds, then pairs of words, in rounds of bounded memory. */
function kernelGradient(context: Context, product: Product, ends: Ends): void {
  const { program, places, scratch } = context;
  const { m, n, k, bounds, groups } = product;
  const size = m * n * groups;
  const slice = SLICE_TERMS;
  const slices = Math.ceil(k / slice);
  const fold = foldShift(k, ...bounds);
  const most = Math.min(slices, Math.floor(SLICE_VALUES / size), Math.floor(MAX_WORKGROUPS / groups));
  const perRound = Math.max(1, most);
  for (let first = 0; first < slices; first += perRound) {
    const here = Math.min(perRound, slices - first);
    const parameters = parametersOf(product, ends, { fold, slice, magnitude: first, bySample: false });
    program.call(
      variant(context, 'positions', false),
      parameters,
      [ends.left.buffer, ends.right.buffer, ends.taps, scratch.slices],
      [tiles(m), tiles(n), here * groups],
    );
    const last = first + here === slices;
    const exponents = [ends.left.exponent, ends.right.exponent, ends.exponentOut];
    program.call(
      'foldSlices',
      [size, here, first === 0 ? 1 : 0, last ? 1 : 0, fold, ...exponents],
      [scratch.slices, scratch.sums, ends.out, places.exponents],
    );
  }
}

const SUM_ROWS = 256;

/** The exact sum of each column at the gradient's exponent. */
export function columnSums(
  { program, places }: Context,
  from: Slot,
  rows: number,
  columns: number,
  to: Slot,
): void {
  program.clear(to.buffer);
  program.call(
    'columnSums',
    [rows, columns, SUM_ROWS, from.exponent, to.exponent],
    [from.buffer, to.buffer, places.exponents],
    [Math.ceil(columns / 64), Math.ceil(rows / SUM_ROWS)],
  );
}

export interface Weighted {
  /** int32 results; their exponents are at `wide.exponent`. */
  forward(input: Slot, wide: Slot): number;
  gradients(input: Slot, gradient: Slot): void;
  /** int32 gradient of the input. */
  backward(gradient: Slot, wide: Slot): number;
}

/** `kernel` are the mantissas of the layer's kernel, narrowed at the start of the step. */
export function createWeighted(context: Context, layer: DenseLayer | ConvLayer, kernel: Slot): Weighted {
  const { program, format, count, tensors } = context;
  const geometry = geometryOf(layer);
  const { image, output, stride, before, groups } = geometry;
  const [channels, filters] = [image[2] / groups, output[2] / groups];
  const [weightMax, gradientMax] = [largest(format.weightBits), largest(format.gradientBits)];
  const taps = program.filled(forwardTaps(geometry));
  const bias = layer.bias < 0 ? undefined : tensors[layer.bias]!;
  const rows = count * positionsOf(layer);
  const forward: Product = {
    m: rows,
    n: filters,
    k: termsOf(layer),
    pixels: [output[0], output[1]],
    stride,
    start: [-before[0], -before[1]],
    image,
    stepB: 1,
    spread: [1, 1],
    bounds: [layer.inputBound, weightMax],
    groups,
    steps: [channels, filters],
  };
  const back: Product = {
    m: count * image[0] * image[1],
    n: channels,
    k: backwardTermsOf(layer),
    pixels: [image[0], image[1]],
    stride: [1, 1],
    start: before,
    image: output,
    stepB: output[2],
    spread: stride,
    bounds: [gradientMax, weightMax],
    groups,
    steps: [filters, filters],
  };
  return {
    forward: (input, wide) =>
      windowsProduct(context, forward, {
        ...{ left: input, right: kernel, taps, out: wide.buffer, exponentOut: wide.exponent },
        ...{ bias: bias?.weight, relu: layer.relu },
      }),
    gradients(input, gradient) {
      const to = tensors[layer.kernel]!.gradient!;
      kernelGradient(
        context,
        { ...forward, m: termsOf(layer), k: rows, bounds: [layer.inputBound, gradientMax] },
        { left: input, right: gradient, taps, out: to.buffer, exponentOut: to.exponent },
      );
      if (bias) columnSums(context, gradient, rows, output[2], bias.gradient!);
    },
    backward: (gradient, wide) =>
      windowsProduct(context, back, {
        ...{ left: gradient, right: kernel, out: wide.buffer, exponentOut: wide.exponent },
        taps: program.filled(backwardTaps(geometry)),
      }),
  };
}
