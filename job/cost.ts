/** What training costs, counted from shapes alone: before a single step runs, and equal on every machine. */
import type { Layer, Model, TrainingRecipe } from '../engine/index.ts';

/** Forward, input gradient and weight gradient are three products of the same size. */
const PRODUCTS_PER_STEP = 3;

export interface StepCost {
  /** Multiply-adds of one step. */
  readonly macs: number;
  /** Elements that pass an activation, a pool or the softmax, forward and back. */
  readonly elements: number;
  /** Calls of a kernel: forward, two gradients and the update, layer by layer. */
  readonly calls: number;
}

export function stepCost(model: Model, recipe: TrainingRecipe): StepCost {
  const sum = (of: (layer: Layer) => number) =>
    model.layers.reduce((total, layer) => total + of(layer), 0) * recipe.batchSize;
  return {
    macs: sum(forwardMacs) * PRODUCTS_PER_STEP,
    elements: sum(elementsOf) * 2 + updatedElements(model, recipe),
    calls: model.layers.length * (PRODUCTS_PER_STEP + 1),
  };
}

/** Multiply-adds of the forward pass for one sample. */
function forwardMacs(layer: Layer): number {
  const [height, width, channels] = layer.output;
  const [inputHeight, inputWidth, inputChannels] = layer.input;
  switch (layer.kind) {
    case 'dense':
      return inputHeight * inputWidth * inputChannels * channels;
    case 'conv2d':
      return (height * width * channels * layer.size[0] * layer.size[1] * inputChannels) / layer.groups;
    case 'attention':
      // Queries by keys, and shares by values; backward takes twice as many again.
      return 2 * height * height * channels;
    default:
      return 0;
  }
}

/** Elements of the forward pass for one sample that no product accounts for. */
function elementsOf(layer: Layer): number {
  const [height, width, channels] = layer.output;
  const outputs = height * width * channels;
  switch (layer.kind) {
    case 'attention':
      return outputs + layer.heads * height * height;
    case 'average':
      return layer.input[0] * layer.input[1] * layer.input[2];
    case 'layerNorm':
    case 'batchNorm':
      // Mean, variance, scaling: three passes.
      return 3 * outputs;
    case 'add':
      return layer.from.length * outputs;
    default:
      return outputs;
  }
}

/** SGD is part of the products' cost; what divides, takes roots or measures a norm is not. */
function updatedElements({ parameters }: Model, recipe: TrainingRecipe): number {
  const optimiser = { SGD: 0, SGDW: 1, AdamW: 4 }[recipe.optimizer.class_name];
  return parameters * (optimiser + (recipe.clipNormQ16 === undefined ? 0 : 1));
}
