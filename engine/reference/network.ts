/** Forward and backward pass of the reference: the definition of a step. Slow and obvious on purpose. */
import { addBlocks, type Wide } from '../arithmetic/blocks.ts';
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
import type { TrainingRecipe } from '../document.ts';
import type { Batch } from '../engine.ts';
import type { ConvLayer, DenseLayer, Layer, Model } from '../model.ts';
import { attentionBackward, attentionForward } from './attention.ts';
import { averageBackward, averageForward } from './average.ts';
import type { Context } from './context.ts';
import { dropoutBackward, dropoutForward } from './dropout.ts';
import { embeddingForward, embeddingGradient, positionForward, positionGradient } from './embedding.ts';
import { geluBackward, geluForward } from './gelu.ts';
import { lossGradient } from './loss.ts';
import { batchStatistics, normBackward, normForward } from './norm.ts';
import { poolBackward, poolForward } from './pool.ts';
import { biasGradient, forwardProduct, inputGradient, kernelGradient } from './products.ts';

/** By tensor: the sum over the batch. Statistics have none. */
export type Gradients = (Wide | undefined)[];

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
function weightedForward(layer: DenseLayer | ConvLayer, context: Context, input: Block): Wide {
  const { format, weights, count } = context;
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

function layerForward(layer: Layer, context: Context, inputs: readonly Block[], tokens: Uint8Array): Block {
  const input = inputs[0]!;
  switch (layer.kind) {
    case 'dense':
    case 'conv2d': {
      const wide = weightedForward(layer, context, input);
      return narrow(wide.values, wide.exponent, context.format.activationBits);
    }
    case 'pool':
      return poolForward(layer, input, context.count);
    case 'average':
      return averageForward(layer, context, input);
    case 'relu':
      return reluBlock(input);
    case 'gelu':
      return geluForward(context, input);
    case 'flatten':
      return input;
    case 'add':
      return addBlocks(inputs, context.format.activationBits);
    case 'dropout':
      return dropoutForward(layer, context, input);
    case 'layerNorm':
    case 'batchNorm':
      return normForward(layer, context, input);
    case 'embedding':
      return embeddingForward(layer, context, tokens);
    case 'position':
      return positionForward(layer, context, input);
    case 'attention':
      return attentionForward(layer, context, input);
  }
}

export interface ForwardPass {
  readonly context: Context;
  readonly tokens: Uint8Array;
  /** The input, then the output of every layer but the last. */
  readonly nodes: readonly Block[];
  /** Logits before narrowing, [count, positions, classes]. */
  readonly logits: Wide;
}

/** Raw inputs as a block: u8 / 256, less the low bits that the format drops. */
const inputBlock = (format: FormatSpec, inputs: Uint8Array): Block => ({
  mantissas: Int16Array.from(inputs, (n) => Math.min(format.inputMax, roundShift(n, format.inputShift))),
  exponent: INPUT_EXPONENT + format.inputShift,
});

/** `inputs` is u8, [count, ...input]; `counter` is undefined for a prediction. */
export function forward(
  model: Model,
  weights: readonly Int32Array[],
  inputs: Uint8Array,
  count: number,
  counter?: number,
): ForwardPass {
  const context: Context = { format: model.format, weights, count, counter };
  const nodes: Block[] = [inputBlock(model.format, inputs)];
  const sources = (layer: Layer): Block[] => layer.from.map((node) => nodes[node]!);
  for (const layer of model.layers.slice(0, -1))
    nodes.push(layerForward(layer, context, sources(layer), inputs));
  const last = model.layers.at(-1) as DenseLayer | ConvLayer;
  return { context, tokens: inputs, nodes, logits: weightedForward(last, context, sources(last)[0]!) };
}

export interface Backward {
  /** Sum over the batch and its positions, at 2^−16. */
  readonly loss: number;
  readonly gradients: Gradients;
  /** Targets of the moving statistics, by tensor, and how fast they move. */
  readonly statistics: readonly { tensor: number; target: Int32Array; momentumShift: number }[];
}

/** Which outputs depend on a tensor: the others need no gradient. */
export function trainable(model: Model): boolean[] {
  const nodes = [false];
  for (const layer of model.layers) {
    const own = 'kernel' in layer || 'gamma' in layer || 'table' in layer;
    nodes.push(own || layer.from.some((node) => nodes[node]));
  }
  return nodes;
}

/** Loss and the gradient of every tensor. An output that several layers take gets the sum of their gradients. */
export function backward(model: Model, recipe: TrainingRecipe, pass: ForwardPass, batch: Batch): Backward {
  const { gradientBits } = model.format;
  const { loss, gradient } = lossGradient(model, recipe, pass.logits, batch);
  const gradients: Gradients = [];
  const needed = trainable(model);
  const arriving: Block[][] = model.layers.map(() => []);
  arriving.push([narrow(gradient.values, gradient.exponent, gradientBits)]);
  const statistics: Backward['statistics'][number][] = [];
  for (let index = model.layers.length - 1; index >= 0; index--) {
    const layer = model.layers[index]!;
    if (!needed[index + 1]) continue;
    const input = pass.nodes[layer.from[0]!]!;
    const flow = {
      input,
      output: pass.nodes[index + 1],
      gradient: addBlocks(arriving[index + 1]!, gradientBits),
    };
    const back = layerBackward(layer, pass, flow, gradients, needed[layer.from[0]!]!);
    if (back) for (const node of layer.from) arriving[node]?.push(back);
    if (layer.kind === 'batchNorm')
      for (const [i, target] of batchStatistics(layer, pass.context, input).entries())
        statistics.push({ tensor: layer.mean + i, target, momentumShift: layer.momentumShift });
  }
  return { loss, gradients, statistics };
}

interface Flow {
  readonly input: Block;
  /** The layer's output block; absent for the logits. */
  readonly output: Block | undefined;
  readonly gradient: Block;
}

/** Stores the layer's tensor gradients; returns the gradient of each of its inputs where it is needed. */
function layerBackward(
  layer: Layer,
  { context, tokens }: ForwardPass,
  { input, output, gradient }: Flow,
  out: Gradients,
  needed: boolean,
): Block | undefined {
  switch (layer.kind) {
    case 'dense':
    case 'conv2d': {
      const masked = layer.relu && output ? maskBlock(gradient, output) : gradient;
      return weightedBackward(layer, context, input, masked, out, needed);
    }
    case 'layerNorm':
    case 'batchNorm': {
      const back = normBackward(layer, context, input, gradient);
      out[layer.gamma] = back.gamma;
      out[layer.beta] = back.beta;
      return back.input;
    }
    case 'embedding':
      out[layer.table] = embeddingGradient(layer, tokens, gradient);
      return undefined;
    case 'position':
      out[layer.table] = positionGradient(layer, gradient);
      return gradient;
    case 'pool':
      return poolBackward(layer, input, gradient, context.count);
    case 'average':
      return averageBackward(layer, context, gradient);
    case 'relu':
      return maskBlock(gradient, output!);
    case 'gelu':
      return geluBackward(context, input, gradient);
    case 'dropout':
      return dropoutBackward(layer, context, gradient);
    case 'attention':
      return attentionBackward(layer, context, input, gradient);
    case 'flatten':
    case 'add':
      return gradient;
  }
}

function weightedBackward(
  layer: DenseLayer | ConvLayer,
  { format, weights, count }: Context,
  input: Block,
  gradient: Block,
  out: Gradients,
  needed: boolean,
): Block | undefined {
  out[layer.kernel] = kernelGradient(format, layer, input, gradient, count);
  if (layer.bias >= 0) out[layer.bias] = biasGradient(layer, gradient);
  if (!needed) return undefined;
  const kernel = narrow(weights[layer.kernel]!, MASTER_EXPONENT, format.weightBits);
  const wide = inputGradient(format, layer, kernel, gradient, count);
  return narrow(wide.values, wide.exponent, format.gradientBits);
}
