/** Dense layers on packed panels: three products a step (output, kernel gradient, input gradient). */
import { largest } from '../arithmetic/format.ts';
import { foldShift } from '../arithmetic/integers.ts';
import { type DenseLayer, volume } from '../model.ts';
import type { Machine } from './machine.ts';
import {
  type Context,
  createBiasRow,
  maskInto,
  narrowInto,
  narrowTensor,
  type Ports,
  packColumns,
  pairLimit,
  roundUp,
  type Scratch,
  type ScratchSizes,
  type Slot,
  type Stage,
} from './stage.ts';

const MANTISSA_BYTES = 2;

/** Scratch that a dense layer needs for `count` samples. */
export function denseScratch(layer: DenseLayer, count: number): Partial<ScratchSizes> {
  const [k, n] = [volume(layer.input), layer.output[2]];
  const rows = roundUp(count, 4);
  return {
    wide: 4 * rows * roundUp(Math.max(k, n), 8),
    panelA: MANTISSA_BYTES * Math.max(rows * roundUp(Math.max(k, n), 8), roundUp(k, 4) * roundUp(count, 8)),
    panelB: MANTISSA_BYTES * roundUp(n, 8) * roundUp(count, 2),
    zero: 4 * roundUp(Math.max(k, n), 8),
  };
}

/** C [rows, ldc] = panels a · panels b, its columns shared out among threads. */
function productOf(
  machine: Machine,
  [m, k, n]: readonly [number, number, number],
  scratch: Scratch,
  panelB: number,
  limit: number,
  shift: number,
): void {
  const { kernels } = machine;
  const panel = kernels.panelBytes(kernels.groupsOf(k), 8) / 8;
  const ldc = 4 * roundUp(n, 8);
  machine.parallel('product', n, 8, (begin, end) => [
    scratch.panelA,
    panelB + begin * panel,
    m,
    k,
    end - begin,
    limit,
    shift,
    scratch.wide + 4 * begin,
    ldc,
  ]);
}

/** Rows of mantissas [rows, k] into panels of the left operand. */
function packRows(machine: Machine, scratch: Scratch, slot: Slot, rows: number, k: number): void {
  const { kernels } = machine;
  const panel = kernels.panelBytes(kernels.groupsOf(k), 4) / 4;
  const pitch = MANTISSA_BYTES * k;
  machine.parallel('packContiguous', rows, 4, (begin, end) => [
    slot.pointer + begin * pitch,
    pitch,
    end - begin,
    k,
    4,
    scratch.panelA + begin * panel,
    scratch.zero,
  ]);
}

/** Bias and ReLU on the wide result; returns the OR of its magnitudes. */
const finishRows = (
  machine: Machine,
  wide: number,
  rows: number,
  pitch: number,
  bias: number,
  relu: boolean,
) =>
  machine.parallel('finish', rows, 1, (begin, end) => [
    wide + 4 * begin * pitch,
    end - begin,
    pitch,
    bias,
    relu ? 1 : 0,
  ]);

interface Weights {
  readonly slot: Slot;
  /** Packed for the forward product, and for the input gradient if it is wanted. */
  readonly panels: number;
  readonly panelsBack: number;
  prepare(): void;
}

function createWeights(context: Context, layer: DenseLayer, back: boolean): Weights {
  const { machine, scratch, tensors } = context;
  const { kernels } = machine;
  const [k, n] = [volume(layer.input), layer.output[2]];
  const slot: Slot = { pointer: machine.allocate(MANTISSA_BYTES * k * n), exponent: 0 };
  const panels = machine.allocate(MANTISSA_BYTES * roundUp(n, 8) * roundUp(k, 2));
  const panelsBack = back ? machine.allocate(MANTISSA_BYTES * roundUp(k, 8) * roundUp(n, 2)) : 0;
  const pitch = MANTISSA_BYTES * n;
  return {
    slot,
    panels,
    panelsBack,
    prepare() {
      narrowTensor(context, tensors[layer.kernel]!, slot);
      packColumns(machine, slot.pointer, n, k, 8, panels);
      if (!back) return;
      const panel = kernels.panelBytes(kernels.groupsOf(n), 8) / 8;
      machine.parallel('packContiguous', k, 8, (begin, end) => [
        slot.pointer + begin * pitch,
        pitch,
        end - begin,
        n,
        8,
        panelsBack + begin * panel,
        scratch.zero,
      ]);
    },
  };
}

/** Gradients of kernel and bias: products over the batch. */
function createGradients(context: Context, layer: DenseLayer, input: Slot) {
  const { format, machine, scratch, tensors } = context;
  const { kernels } = machine;
  const [k, n] = [volume(layer.input), layer.output[2]];
  const [kernel, columns] = [tensors[layer.kernel]!, roundUp(n, 8)];
  const bias = layer.bias < 0 ? undefined : tensors[layer.bias]!;
  const gradientMax = largest(format.gradientBits);
  const pairs = pairLimit(layer.inputBound, gradientMax);
  return (count: number, gradient: Slot): void => {
    const fold = foldShift(count, layer.inputBound, gradientMax);
    const panel = kernels.panelBytes(kernels.groupsOf(count), 4) / 4;
    packColumns(machine, input.pointer, k, count, 4, scratch.panelA);
    packColumns(machine, gradient.pointer, n, count, 8, scratch.panelB);
    machine.parallel('product', k, 4, (begin, end) => [
      scratch.panelA + begin * panel,
      scratch.panelB,
      end - begin,
      count,
      n,
      pairs,
      fold,
      kernel.gradient + 4 * begin * columns,
      4 * columns,
    ]);
    if (columns !== n) kernels.compact(kernel.gradient, k, columns, n);
    kernel.gradientExponent = input.exponent + gradient.exponent + fold;
    if (!bias) return;
    kernels.columnSums(gradient.pointer, count, n, bias.gradient);
    bias.gradientExponent = gradient.exponent;
  };
}

/** Gradient of the input. */
function createBackward(context: Context, layer: DenseLayer, weights: Weights, to: Slot) {
  const { format, machine, scratch } = context;
  const [k, n] = [volume(layer.input), layer.output[2]];
  const inputs = roundUp(k, 8);
  const [weightMax, gradientMax] = [largest(format.weightBits), largest(format.gradientBits)];
  const [shift, limit] = [foldShift(n, gradientMax, weightMax), pairLimit(gradientMax, weightMax)];
  return (count: number, gradient: Slot): void => {
    packRows(machine, scratch, gradient, count, n);
    productOf(machine, [count, n, k], scratch, weights.panelsBack, limit, shift);
    const bits = finishRows(machine, scratch.wide, count, inputs, scratch.zero, false);
    if (inputs !== k) machine.kernels.compact(scratch.wide, count, inputs, k);
    const exponent = gradient.exponent + weights.slot.exponent + shift;
    narrowInto(machine, scratch.wide, to, count * k, bits, exponent, format.gradientBits);
  };
}

/** The last layer has no output slot: its int32 logits stay in `wide`, at the slot's exponent. */
export function createDense(context: Context, layer: DenseLayer, ports: Ports, last: boolean): Stage {
  const { format, machine, scratch, tensors } = context;
  const { kernels } = machine;
  const [k, n] = [volume(layer.input), layer.output[2]];
  const columns = roundUp(n, 8);
  const bias = createBiasRow(context, layer.bias < 0 ? undefined : tensors[layer.bias]!);
  const { input, output, inputGradient, outputGradient, masked } = ports;
  const weights = createWeights(context, layer, inputGradient !== undefined);
  const weightMax = largest(format.weightBits);
  const [shift, limit] = [foldShift(k, layer.inputBound, weightMax), pairLimit(layer.inputBound, weightMax)];
  const gradients = createGradients(context, layer, input);
  const back = inputGradient && createBackward(context, layer, weights, inputGradient);

  return {
    bind: bias.bind,
    prepare: weights.prepare,
    forward(count) {
      const exponent = input.exponent + weights.slot.exponent + shift;
      packRows(machine, scratch, input, count, k);
      productOf(machine, [count, k, n], scratch, weights.panels, limit, shift);
      const bits = finishRows(machine, scratch.wide, count, columns, bias.fill(exponent), layer.relu);
      output.exponent = exponent;
      if (last) return;
      if (columns !== n) kernels.compact(scratch.wide, count, columns, n);
      narrowInto(machine, scratch.wide, output, count * n, bits, exponent, format.activationBits);
    },
    backward(count) {
      const gradient = masked!;
      if (layer.relu) maskInto(machine, outputGradient!, output, gradient, count * n);
      gradient.exponent = outputGradient!.exponent;
      gradients(count, gradient);
      back?.(count, gradient);
    },
  };
}
