/** Forward and backward pass of the reference: the definition of a step. Slow and obvious on purpose. */
import type { FormatSpec } from '../arithmetic/format.ts';
import {
  type Block,
  INPUT_EXPONENT,
  MASTER_EXPONENT,
  narrow,
  rescale,
  roundShift,
  saturate,
} from '../arithmetic/integers.ts';
import { PROBABILITY_BITS, softmaxGradient } from '../arithmetic/softmax.ts';
import type { ConvLayer, DenseLayer, Layer, Model } from '../model.ts';
import { poolBackward, poolForward } from './pool.ts';
import { biasGradient, forwardProduct, inputGradient, kernelGradient, type Wide } from './products.ts';

/** Gradient of one tensor, not yet divided by the batch size. */
export type Gradients = Wide[];

const reluBlock = (block: Block): Block => ({
  mantissas: block.mantissas.map((mantissa) => Math.max(0, mantissa)),
  exponent: block.exponent,
});

/** Passes a gradient where the layer's output is positive. */
const maskBlock = (gradient: Block, output: Block): Block => ({
  mantissas: gradient.mantissas.map((mantissa, i) => (output.mantissas[i]! > 0 ? mantissa : 0)),
  exponent: gradient.exponent,
});

/** Product, bias and ReLU of a weighted layer: int32 values before narrowing. */
function weightedForward(
  format: FormatSpec,
  layer: DenseLayer | ConvLayer,
  weights: readonly Int32Array[],
  input: Block,
  count: number,
): Wide {
  const kernel = narrow(weights[layer.kernel]!, MASTER_EXPONENT, format.weightBits);
  const product = forwardProduct(format, layer, input, kernel, count);
  const bias = layer.bias < 0 ? undefined : weights[layer.bias]!;
  const filters = layer.output[2];
  const values = product.values.map((value, i) => {
    const sum = bias
      ? saturate(value + rescale(bias[i % filters]!, product.exponent - MASTER_EXPONENT))
      : value;
    return layer.relu ? Math.max(0, sum) : sum;
  });
  return { values, exponent: product.exponent };
}

function layerForward(
  format: FormatSpec,
  layer: Layer,
  weights: readonly Int32Array[],
  input: Block,
  count: number,
): Block {
  switch (layer.kind) {
    case 'dense':
    case 'conv2d': {
      const wide = weightedForward(format, layer, weights, input, count);
      return narrow(wide.values, wide.exponent, format.activationBits);
    }
    case 'pool':
      return poolForward(layer, input, count);
    case 'relu':
      return reluBlock(input);
    case 'flatten':
      return input;
  }
}

export interface ForwardPass {
  /** Input block of every layer. */
  readonly inputs: readonly Block[];
  /** Logits before narrowing, [count, classes]. */
  readonly logits: Wide;
}

/** Raw inputs as a block: u8 / 256, less the low bits that the format drops. */
const inputBlock = (format: FormatSpec, inputs: Uint8Array): Block => ({
  mantissas: Int16Array.from(inputs, (n) => Math.min(format.inputMax, roundShift(n, format.inputShift))),
  exponent: INPUT_EXPONENT + format.inputShift,
});

/** `inputs` is u8, [count, ...input]. */
export function forward(
  model: Model,
  weights: readonly Int32Array[],
  inputs: Uint8Array,
  count: number,
): ForwardPass {
  const { format } = model;
  let block = inputBlock(format, inputs);
  const blocks: Block[] = [block];
  for (const layer of model.layers.slice(0, -1)) {
    block = layerForward(format, layer, weights, block, count);
    blocks.push(block);
  }
  const last = model.layers.at(-1) as DenseLayer;
  return { inputs: blocks, logits: weightedForward(format, last, weights, block, count) };
}

/** Loss (sum over the batch, nats at 2^−16) and the gradient of every tensor. */
export function backward(
  model: Model,
  weights: readonly Int32Array[],
  pass: ForwardPass,
  labels: Uint8Array,
): { loss: number; gradients: Gradients } {
  const gradients: Gradients = [];
  const raw = new Int32Array(pass.logits.values.length);
  const loss = softmaxGradient(
    pass.logits.values,
    pass.logits.exponent,
    labels,
    model.classes,
    model.classes,
    raw,
  );
  let gradient = narrow(raw, -PROBABILITY_BITS, model.format.gradientBits);
  for (let index = model.layers.length - 1; index >= 0; index--) {
    const layer = model.layers[index]!;
    const input = pass.inputs[index]!;
    const output = pass.inputs[index + 1];
    gradient = layerBackward(
      model.format,
      layer,
      weights,
      { input, output, gradient, first: index === 0 },
      labels.length,
      gradients,
    );
  }
  return { loss, gradients };
}

interface Flow {
  readonly input: Block;
  /** The layer's output block; absent for the logits. */
  readonly output: Block | undefined;
  readonly gradient: Block;
  readonly first: boolean;
}

/** Stores the layer's tensor gradients and returns the gradient of its input. */
function layerBackward(
  format: FormatSpec,
  layer: Layer,
  weights: readonly Int32Array[],
  flow: Flow,
  count: number,
  out: Gradients,
): Block {
  if (layer.kind === 'flatten') return flow.gradient;
  if (layer.kind === 'pool') return poolBackward(layer, flow.input, flow.gradient, count);
  if (layer.kind === 'relu') return maskBlock(flow.gradient, flow.output!);
  const gradient = layer.relu && flow.output ? maskBlock(flow.gradient, flow.output) : flow.gradient;
  out[layer.kernel] = kernelGradient(format, layer, flow.input, gradient, count);
  if (layer.bias >= 0) out[layer.bias] = biasGradient(layer, gradient);
  if (flow.first) return gradient;
  const kernel = narrow(weights[layer.kernel]!, MASTER_EXPONENT, format.weightBits);
  const wide = inputGradient(format, layer, kernel, gradient, count);
  return narrow(wide.values, wide.exponent, format.gradientBits);
}
