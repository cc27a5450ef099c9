/**
 * Gradients that the WebAssembly backend of TensorFlow.js lacks, put together from kernels that it has: without them it
 * trains neither embeddings nor convolutions.
 */
import type { Core, Tensor } from './library.ts';

interface Window {
  readonly outHeight: number;
  readonly outWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padInfo: {
    readonly top: number;
    readonly left: number;
    readonly bottom: number;
    readonly right: number;
  };
}

type Shape = readonly number[];

/** What these kernels use beside the rest of this folder. */
interface KernelCore extends Core {
  readonly backend_util: {
    computeConv2DInfo(
      input: Shape,
      filter: Shape,
      strides: unknown,
      dilations: unknown,
      pad: unknown,
      rounding: unknown,
      depthwise: boolean,
    ): Window;
  };
  getKernel(name: string, backend: string): unknown;
  registerKernel(kernel: { kernelName: string; backendName: string; kernelFunc(call: Call): Tensor }): void;
  pad(x: Tensor, paddings: readonly (readonly [number, number])[]): Tensor;
  slice(x: Tensor, begin: Shape, size: Shape): Tensor;
  stridedSlice(x: Tensor, begin: Shape, end: Shape, strides: Shape): Tensor;
  concat(tensors: readonly Tensor[], axis: number): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;
}

interface Call {
  readonly inputs: Readonly<Record<string, Tensor & { readonly dataId: object }>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly backend: { readSync(dataId: object): ArrayLike<number> };
}

const sizeOf = (shape: Shape): number => shape.reduce((product, side) => product * side, 1);

/** Of an embedding: rows of `x` are added up by where they came from. */
function segmentSum(core: KernelCore, { inputs, attrs, backend }: Call): Tensor {
  const { x, segmentIds } = inputs;
  const segments = attrs.numSegments as number;
  const row = sizeOf(x!.shape.slice(segmentIds!.shape.length));
  const [values, ids] = [backend.readSync(x!.dataId), backend.readSync(segmentIds!.dataId)];
  const sums = new Float32Array(segments * row);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id < 0 || id >= segments) continue;
    for (let k = 0; k < row; k++) sums[id * row + k]! += values[i * row + k]!;
  }
  return core.tensor(sums, [segments, ...x!.shape.slice(segmentIds!.shape.length)]);
}

/** The inputs that each place (row, column) of the window meets: [batch, height out, width out, channels]. */
function* met(core: KernelCore, x: Tensor, [rows, columns]: Shape, window: Window): Generator<Tensor> {
  const { outHeight, outWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo } = window;
  const { top, left, bottom, right } = padInfo;
  const none = [0, 0] as const;
  const padded = core.pad(x, [none, [top, bottom], [left, right], none]);
  const [batch, , , channels] = x.shape as [number, number, number, number];
  for (let row = 0; row < rows!; row++)
    for (let column = 0; column < columns!; column++) {
      const [y, z] = [row * dilationHeight, column * dilationWidth];
      const end = [
        batch,
        y + (outHeight - 1) * strideHeight + 1,
        z + (outWidth - 1) * strideWidth + 1,
        channels,
      ];
      yield strideHeight === 1 && strideWidth === 1
        ? core.slice(padded, [0, y, z, 0], [batch, outHeight, outWidth, channels])
        : core.stridedSlice(padded, [0, y, z, 0], end, [1, strideHeight, strideWidth, 1]);
    }
}

function windowOf(
  core: KernelCore,
  input: Shape,
  filter: Shape,
  attrs: Call['attrs'],
  depthwise: boolean,
): Window {
  const { strides, dilations = 1, pad, dimRoundingMode } = attrs;
  return core.backend_util.computeConv2DInfo(
    input,
    filter,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    depthwise,
  );
}

function filterGradient(core: KernelCore, { inputs, attrs }: Call): Tensor {
  const { x, dy } = inputs;
  const shape = attrs.filterShape as Shape;
  const window = windowOf(core, x!.shape, shape, attrs, false);
  const places = sizeOf(dy!.shape.slice(0, 3));
  const columns = core.concat([...met(core, x!, shape, window)], 3);
  const flat = core.reshape(columns, [places, sizeOf(shape.slice(0, 3))]);
  return core.reshape(core.matMul(flat, core.reshape(dy!, [places, shape[3]!]), true, false), shape);
}

function depthwiseFilterGradient(core: KernelCore, { inputs, attrs }: Call): Tensor {
  const { x, dy } = inputs;
  const shape = attrs.filterShape as Shape;
  const window = windowOf(core, x!.shape, shape, attrs, true);
  const [, , channels, multiplier] = shape as [number, number, number, number];
  const places = sizeOf(dy!.shape.slice(0, 3));
  const gradient = core.reshape(dy!, [places, channels, multiplier]);
  const sums = [...met(core, x!, shape, window)].map((input) =>
    core.reshape(core.sum(core.mul(core.reshape(input, [places, channels, 1]), gradient), 0), [
      1,
      channels * multiplier,
    ]),
  );
  return core.reshape(core.concat(sums, 0), shape);
}

/** Zeros between neighbours along an axis, so that they stand `stride` apart. */
function spread(core: KernelCore, x: Tensor, axis: number, stride: number): Tensor {
  if (stride === 1) return x;
  const [before, side, after] = [
    sizeOf(x.shape.slice(0, axis)),
    x.shape[axis]!,
    sizeOf(x.shape.slice(axis + 1)),
  ];
  const zeros = core.zeros([before, side, (stride - 1) * after]);
  const wide = core.concat([core.reshape(x, [before, side, after]), zeros], 2);
  return core.reshape(wide, [...x.shape.slice(0, axis), side * stride, ...x.shape.slice(axis + 1)]);
}

function depthwiseInputGradient(core: KernelCore, { inputs, attrs }: Call): Tensor {
  const { dy, filter } = inputs;
  const shape = attrs.inputShape as Shape;
  const window = windowOf(core, shape, filter!.shape, attrs, true);
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo } = window;
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const [rows, columns, , multiplier] = filter!.shape as [number, number, number, number];
  const [, outHeight, outWidth] = dy!.shape as [number, number, number];
  const split = core.reshape(dy!, [batch * outHeight * outWidth, channels, multiplier]);
  const reach = (side: number, stride: number, dilation: number, window: number): number =>
    side * stride + dilation * (window - 1);
  const high = reach(outHeight, strideHeight, dilationHeight, rows);
  const wide = reach(outWidth, strideWidth, dilationWidth, columns);
  const none = [0, 0] as const;
  let total: Tensor | undefined;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const kernel = core.reshape(core.slice(filter!, [row, column, 0, 0], [1, 1, channels, multiplier]), [
        1,
        channels,
        multiplier,
      ]);
      const sums = core.reshape(core.sum(core.mul(split, kernel), 2), [batch, outHeight, outWidth, channels]);
      const apart = spread(core, spread(core, sums, 1, strideHeight), 2, strideWidth);
      const [y, z] = [row * dilationHeight, column * dilationWidth];
      const placed = core.pad(apart, [
        none,
        [y, high - outHeight * strideHeight - y],
        [z, wide - outWidth * strideWidth - z],
        none,
      ]);
      total = total ? core.add(total, placed) : placed;
    }
  const { top, left } = padInfo;
  // Rows and columns at the end that no window reaches have no gradient.
  const [below, beside] = [Math.max(0, top + height - high), Math.max(0, left + width - wide)];
  const whole = core.pad(total!, [none, [0, below], [0, beside], none]);
  return core.slice(whole, [0, top, left, 0], shape);
}

const KERNELS = {
  UnsortedSegmentSum: segmentSum,
  Conv2DBackpropFilter: filterGradient,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
} as const;

/** Registers those that this version of the backend has not. */
export function registerWasmKernels(plain: Core): void {
  const core = plain as KernelCore;
  for (const [kernelName, compute] of Object.entries(KERNELS))
    if (!core.getKernel(kernelName, 'wasm'))
      core.registerKernel({
        kernelName,
        backendName: 'wasm',
        kernelFunc: (call) => core.tidy(() => compute(core, call)),
      });
}
