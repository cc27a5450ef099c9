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
    elements: sum(({ output: [height, width, channels] }) => height * width * channels) * 2,
    calls: model.layers.length * (PRODUCTS_PER_STEP + 1),
  };
}

function forwardMacs(layer: Layer): number {
  const [height, width, channels] = layer.output;
  const [inputHeight, inputWidth, inputChannels] = layer.input;
  if (layer.kind === 'dense') return inputHeight * inputWidth * inputChannels * channels;
  if (layer.kind !== 'conv2d') return 0;
  return height * width * channels * layer.size[0] * layer.size[1] * inputChannels;
}
