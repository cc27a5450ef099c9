/** Lays out the outputs of a model's layers and their gradients on a device, and makes the stages between them. */
import { type Layer, type Model, volume } from '../model.ts';
import { trainable } from '../reference/network.ts';
import { createNorm } from './norm.ts';
import { createAttention, createEmbedding, createPosition } from './sequence.ts';
import type { Context, Ports, Slot, Stage } from './slots.ts';
import {
  addBlocksInto,
  createAdd,
  createAverage,
  createDropout,
  createGelu,
  createPool,
  createRelu,
  createWeightedStage,
} from './stages.ts';

/** Whether a layer's output is its input's slot. */
const renames = (layer: Layer, training: boolean): boolean =>
  layer.kind === 'flatten' || (layer.kind === 'dropout' && !training);

/** Whether the gradient of a layer's inputs is that of its output as it is. */
const passes = ({ kind }: Layer): boolean => kind === 'flatten' || kind === 'add' || kind === 'position';

/** Whether exponents pass through a layer unchanged, and so do their places. */
const keepsExponent = ({ kind }: Layer): boolean => kind === 'pool' || kind === 'relu';

interface Gradients {
  /** By layer: the gradient of its output, and of its input where the layer writes one. */
  readonly outputs: (Slot | undefined)[];
  readonly inputs: (Slot | undefined)[];
  /** By layer: what adds up its output's gradient, run before the layer's own way back. */
  readonly sums: ((() => void) | undefined)[];
}

/** Lays out gradients, from the last layer back. Nobody writes to a gradient that is given, so layers may share one. */
function planGradients(context: Context, model: Model): Gradients {
  const { program, places, count, format } = context;
  const needed = trainable(model);
  const create = (size: number, exponent = places.take()): Slot => ({
    buffer: program.buffer(count * size),
    exponent,
  });
  const arriving: Slot[][] = [[], ...model.layers.map(() => [])];
  arriving.at(-1)!.push(create(volume(model.layers.at(-1)!.output)));
  const plan: Gradients = { outputs: [], inputs: [], sums: [] };
  for (let index = model.layers.length - 1; index >= 0; index--) {
    const layer = model.layers[index]!;
    if (!needed[index + 1]) continue;
    const flows = arriving[index + 1]!;
    let flow = flows[0]!;
    if (flows.length > 1) {
      const size = volume(layer.output);
      const sum = create(size);
      plan.sums[index] = () => addBlocksInto(context, flows, sum, count * size, format.gradientBits);
      flow = sum;
    }
    plan.outputs[index] = flow;
    const wanted = layer.from.filter((node) => needed[node]);
    if (wanted.length === 0) continue;
    const back = passes(layer)
      ? flow
      : create(volume(layer.input), keepsExponent(layer) ? flow.exponent : places.take());
    if (!passes(layer)) plan.inputs[index] = back;
    for (const node of wanted) arriving[node]!.push(back);
  }
  return plan;
}

function createStage(context: Context, layer: Layer, ports: Ports, training: boolean): Stage | undefined {
  const size = context.count * volume(layer.output);
  switch (layer.kind) {
    case 'dense':
    case 'conv2d':
      return createWeightedStage(context, layer, ports);
    case 'pool':
      return createPool(context, layer, ports);
    case 'average':
      return createAverage(context, layer, ports);
    case 'relu':
      return createRelu(context, size, ports);
    case 'gelu':
      return createGelu(context, size, ports);
    case 'add':
      return createAdd(context, size, ports);
    case 'layerNorm':
    case 'batchNorm':
      return createNorm(context, layer, ports, training);
    case 'embedding':
      return createEmbedding(context, layer, ports);
    case 'position':
      return createPosition(context, layer, ports);
    case 'attention':
      return createAttention(context, layer, ports);
    case 'dropout':
      return training ? createDropout(context, layer, ports) : undefined;
    case 'flatten':
      return undefined;
  }
}

export interface Graph {
  /** Adds the calls up to the logits. */
  forward(): void;
  /** From the gradient of the logits to those of all tensors. */
  backward(): void;
  /** What the optimiser does not move. */
  settle(): void;
  readonly logits: Slot;
  readonly logitGradient: Slot | undefined;
}

export function createGraph(context: Context, model: Model, input: Slot, training: boolean): Graph {
  const { program, places, scratch, count } = context;
  const plan: Gradients = training ? planGradients(context, model) : { outputs: [], inputs: [], sums: [] };
  const nodes = [input];
  const stages: (Stage | undefined)[] = [];
  for (const [index, layer] of model.layers.entries()) {
    const inputs = layer.from.map((node) => nodes[node]!);
    const last = index === model.layers.length - 1;
    const output = renames(layer, training)
      ? inputs[0]!
      : {
          buffer: last ? scratch.wide : program.buffer(count * volume(layer.output)),
          exponent: keepsExponent(layer) ? inputs[0]!.exponent : places.take(),
        };
    const [inputGradient, outputGradient] = [plan.inputs[index], plan.outputs[index]];
    stages.push(
      createStage(context, layer, { inputs, output, inputGradient, outputGradient, last }, training),
    );
    nodes.push(output);
  }
  return {
    forward() {
      for (const stage of stages) stage?.forward();
    },
    backward() {
      for (let index = stages.length - 1; index >= 0; index--) {
        if (!plan.outputs[index]) continue;
        plan.sums[index]?.();
        stages[index]?.backward?.();
      }
    },
    settle() {
      for (const stage of stages) stage?.settle?.();
    },
    logits: nodes.at(-1)!,
    logitGradient: plan.outputs.at(-1),
  };
}
