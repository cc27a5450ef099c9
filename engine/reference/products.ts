/** The exact matrix-like products of dense and convolution layers, written as their definition: one loop per index. */

import type { Wide } from '../arithmetic/blocks.ts';
import { type FormatSpec, largest } from '../arithmetic/format.ts';
import { type Block, foldShift, roundShift, saturate } from '../arithmetic/integers.ts';
import { backwardTermsOf, type ConvLayer, type DenseLayer, positionsOf, termsOf, volume } from '../model.ts';

/** Folds exact sums (doubles holding integers) into int32 by a static shift. */
function fold(sums: Float64Array, exponent: number, shift: number): Wide {
  const values = new Int32Array(sums.length);
  for (let i = 0; i < sums.length; i++) values[i] = saturate(roundShift(sums[i]!, shift));
  return { values, exponent: exponent + shift };
}

/** Called with an input element and the first of the kernel and output elements that it meets, one for each filter of its group. */
type Visit = (input: number, kernel: number, output: number) => void;

/** Filters that one input element meets. */
const spanOf = (layer: DenseLayer | ConvLayer): number =>
  layer.kind === 'dense' ? layer.output[2] : layer.output[2] / layer.groups;

/** Visits every product of a layer's forward pass over `count` samples; kernel + n meets output + n for each filter n. */
function eachProduct(layer: DenseLayer | ConvLayer, count: number, visit: Visit): void {
  const inputs = volume(layer.input);
  const outputs = volume(layer.output);
  for (let sample = 0; sample < count; sample++) {
    if (layer.kind === 'dense') {
      for (let k = 0; k < inputs; k++) visit(sample * inputs + k, k * outputs, sample * outputs);
      continue;
    }
    for (let row = 0; row < layer.output[0]; row++) {
      for (let column = 0; column < layer.output[1]; column++) {
        const output = sample * outputs + (row * layer.output[1] + column) * layer.output[2];
        eachTap(layer, [row, column], sample * inputs, output, visit);
      }
    }
  }
}

/** The products of one output position of a convolution; positions outside the input are zero and skipped. */
function eachTap(layer: ConvLayer, at: [number, number], start: number, output: number, visit: Visit): void {
  const [height, width, channels] = layer.input;
  for (let i = 0; i < layer.size[0]; i++) {
    const y = at[0] * layer.stride[0] + i - layer.before[0];
    if (y < 0 || y >= height) continue;
    for (let j = 0; j < layer.size[1]; j++) {
      const x = at[1] * layer.stride[1] + j - layer.before[1];
      if (x < 0 || x >= width) continue;
      const perGroup = channels / layer.groups;
      const tap = (i * layer.size[1] + j) * perGroup;
      for (let c = 0; c < channels; c++) {
        const first = Math.floor(c / perGroup) * spanOf(layer);
        const kernel = (tap + (c % perGroup)) * layer.output[2] + first;
        visit(start + (y * width + x) * channels + c, kernel, output + first);
      }
    }
  }
}

/** Z = X · W, without bias. */
export function forwardProduct(
  format: FormatSpec,
  layer: DenseLayer | ConvLayer,
  input: Block,
  weights: Block,
  count: number,
): Wide {
  const sums = new Float64Array(count * volume(layer.output));
  const filters = spanOf(layer);
  eachProduct(layer, count, (i, k, o) => {
    const x = input.mantissas[i]!;
    for (let n = 0; n < filters; n++) sums[o + n]! += x * weights.mantissas[k + n]!;
  });
  const shift = foldShift(termsOf(layer), layer.inputBound, largest(format.weightBits));
  return fold(sums, input.exponent + weights.exponent, shift);
}

/** Gradient of the kernel: Xᵀ · G, summed over batch and positions. */
export function kernelGradient(
  format: FormatSpec,
  layer: DenseLayer | ConvLayer,
  input: Block,
  gradient: Block,
  count: number,
): Wide {
  const sums = new Float64Array(termsOf(layer) * layer.output[2]);
  const filters = spanOf(layer);
  eachProduct(layer, count, (i, k, o) => {
    const x = input.mantissas[i]!;
    for (let n = 0; n < filters; n++) sums[k + n]! += x * gradient.mantissas[o + n]!;
  });
  const shift = foldShift(count * positionsOf(layer), layer.inputBound, largest(format.gradientBits));
  return fold(sums, input.exponent + gradient.exponent, shift);
}

/** Gradient of the bias: G summed over batch and positions; at most 2^20 terms, so int32 holds it. */
export function biasGradient(layer: DenseLayer | ConvLayer, gradient: Block): Wide {
  const filters = layer.output[2];
  const values = new Int32Array(filters);
  gradient.mantissas.forEach((mantissa, index) => {
    values[index % filters]! += mantissa;
  });
  return { values, exponent: gradient.exponent };
}

/** Gradient of the input: G · Wᵀ. */
export function inputGradient(
  format: FormatSpec,
  layer: DenseLayer | ConvLayer,
  weights: Block,
  gradient: Block,
  count: number,
): Wide {
  const sums = new Float64Array(count * volume(layer.input));
  const filters = spanOf(layer);
  eachProduct(layer, count, (i, k, o) => {
    for (let n = 0; n < filters; n++) sums[i]! += gradient.mantissas[o + n]! * weights.mantissas[k + n]!;
  });
  const shift = foldShift(backwardTermsOf(layer), largest(format.gradientBits), largest(format.weightBits));
  return fold(sums, weights.exponent + gradient.exponent, shift);
}
