/** Dense layers on packed panels: three products a step (output, kernel gradient, input gradient). */
import { largest } from '../arithmetic/format.ts';
import { foldShift } from '../arithmetic/integers.ts';
import { type DenseLayer, volume } from '../model.ts';
import {
  type Context,
  createBiasRow,
  narrowInto,
  narrowTensor,
  type Ports,
  pairLimit,
  roundUp,
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

/** The last layer has no output slot: its int32 logits stay in `wide`, at the slot's exponent. */
export function createDense(context: Context, layer: DenseLayer, ports: Ports, last: boolean): Stage {
  const { format, machine, scratch, tensors } = context;
  const { kernels } = machine;
  const [k, n] = [volume(layer.input), layer.output[2]];
  const [columns, inputs] = [roundUp(n, 8), roundUp(k, 8)];
  const kernel = tensors[layer.kernel]!;
  const biasTensor = layer.bias < 0 ? undefined : tensors[layer.bias]!;
  const bias = createBiasRow(context, biasTensor);
  const weights: Slot = { pointer: machine.allocate(MANTISSA_BYTES * k * n), exponent: 0 };
  const packed = machine.allocate(MANTISSA_BYTES * columns * roundUp(k, 2));
  const packedBack = ports.inputGradient ? machine.allocate(MANTISSA_BYTES * inputs * roundUp(n, 2)) : 0;
  const [weightMax, gradientMax] = [largest(format.weightBits), largest(format.gradientBits)];
  const shift = foldShift(k, layer.inputBound, weightMax);
  const limit = pairLimit(layer.inputBound, weightMax);
  const backShift = foldShift(n, gradientMax, weightMax);
  const { input, output, inputGradient, outputGradient } = ports;

  const passBack = (count: number, gradient: Slot, to: Slot): void => {
    kernels.packContiguous(gradient.pointer, MANTISSA_BYTES * n, count, n, 4, scratch.panelA, scratch.zero);
    kernels.product(
      scratch.panelA,
      packedBack,
      count,
      n,
      k,
      pairLimit(gradientMax, weightMax),
      backShift,
      scratch.wide,
      4 * inputs,
    );
    const bits = kernels.finish(scratch.wide, count, inputs, scratch.zero, 0);
    if (inputs !== k) kernels.compact(scratch.wide, count, inputs, k);
    const exponent = gradient.exponent + weights.exponent + backShift;
    narrowInto(machine, scratch.wide, to, count * k, bits, exponent, format.gradientBits);
  };

  return {
    bind: bias.bind,
    prepare() {
      narrowTensor(context, kernel, weights);
      kernels.packStrided(weights.pointer, MANTISSA_BYTES * n, n, k, 8, packed);
      if (packedBack)
        kernels.packContiguous(weights.pointer, MANTISSA_BYTES * n, k, n, 8, packedBack, scratch.zero);
    },
    forward(count) {
      const exponent = input.exponent + weights.exponent + shift;
      kernels.packContiguous(input.pointer, MANTISSA_BYTES * k, count, k, 4, scratch.panelA, scratch.zero);
      kernels.product(scratch.panelA, packed, count, k, n, limit, shift, scratch.wide, 4 * columns);
      const bits = kernels.finish(scratch.wide, count, columns, bias.fill(exponent), layer.relu ? 1 : 0);
      output.exponent = exponent;
      if (last) return;
      if (columns !== n) kernels.compact(scratch.wide, count, columns, n);
      narrowInto(machine, scratch.wide, output, count * n, bits, exponent, format.activationBits);
    },
    backward(count) {
      const gradient = outputGradient!;
      if (layer.relu) kernels.mask(gradient.pointer, output.pointer, gradient.pointer, count * n);
      const fold = foldShift(count, layer.inputBound, gradientMax);
      const pairs = pairLimit(layer.inputBound, gradientMax);
      kernels.packStrided(input.pointer, MANTISSA_BYTES * k, k, count, 4, scratch.panelA);
      kernels.packStrided(gradient.pointer, MANTISSA_BYTES * n, n, count, 8, scratch.panelB);
      kernels.product(scratch.panelA, scratch.panelB, k, count, n, pairs, fold, kernel.gradient, 4 * columns);
      if (columns !== n) kernels.compact(kernel.gradient, k, columns, n);
      kernel.gradientExponent = input.exponent + gradient.exponent + fold;
      if (biasTensor) {
        kernels.columnSums(gradient.pointer, count, n, biasTensor.gradient);
        biasTensor.gradientExponent = gradient.exponent;
      }
      if (inputGradient) passBack(count, gradient, inputGradient);
    },
  };
}
