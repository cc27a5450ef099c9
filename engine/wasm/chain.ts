/** The stages of a model's graph: a slot for each output, and gradients from the last layer back to what they are needed for. */
import { type Layer, type Model, type PoolLayer, type ReluLayer, volume } from '../model.ts';
import { trainable } from '../reference/network.ts';
import { createAttention } from './attention.ts';
import { createConvolution } from './convolution.ts';
import { createDense } from './dense.ts';
import {
  createAdd,
  createAverage,
  createDropout,
  createEmbedding,
  createGelu,
  createPosition,
  createSum,
} from './elementwise.ts';
import { createNorm } from './norm.ts';
import {
  type Context,
  createSlot,
  MANTISSA_BYTES,
  maskInto,
  type Ports,
  type Slot,
  type Stage,
} from './stage.ts';

function createPool(context: Context, layer: PoolLayer, ports: Ports): Stage {
  const { machine } = context;
  const [from, to] = [MANTISSA_BYTES * volume(layer.input), MANTISSA_BYTES * volume(layer.output)];
  const index = context.machine.allocate(MANTISSA_BYTES * context.capacity * volume(layer.output));
  const geometry = [...layer.input, ...layer.size];
  const { input, output, inputGradient, outputGradient } = ports;
  return {
    forward(count) {
      machine.parallel('poolForward', count, 1, (begin, end) => [
        input.pointer + begin * from,
        output.pointer + begin * to,
        index + begin * to,
        end - begin,
        ...geometry,
      ]);
      output.exponent = input.exponent;
    },
    backward(count) {
      if (!inputGradient || !outputGradient) return;
      machine.parallel('poolBackward', count, 1, (begin, end) => [
        outputGradient.pointer + begin * to,
        index + begin * to,
        inputGradient.pointer + begin * from,
        end - begin,
        ...geometry,
      ]);
      inputGradient.exponent = outputGradient.exponent;
    },
  };
}

function createRelu(context: Context, layer: ReluLayer, ports: Ports): Stage {
  const { machine } = context;
  const { kernels } = machine;
  const size = volume(layer.output);
  const { input, output, inputGradient, outputGradient } = ports;
  return {
    forward(count) {
      kernels.relu(input.pointer, output.pointer, count * size);
      output.exponent = input.exponent;
    },
    backward(count) {
      if (!inputGradient || !outputGradient) return;
      maskInto(machine, outputGradient, output, inputGradient, count * size);
      inputGradient.exponent = outputGradient.exponent;
    },
  };
}

/** Places in memory that some stages need beside their ports. */
export interface Shared {
  /** Tables of the softmax. */
  readonly tables: number;
  /** The batch's inputs as they came. */
  readonly bytes: number;
}

interface Place {
  readonly ports: Ports;
  readonly inputs: readonly Slot[];
  readonly last: boolean;
  readonly training: boolean;
  readonly shared: Shared;
}

/** Undefined for layers that only rename what they are given. */
function createStage(context: Context, layer: Layer, place: Place): Stage | undefined {
  const { ports, inputs, last, training, shared } = place;
  switch (layer.kind) {
    case 'dense':
      return createDense(context, layer, ports, last);
    case 'conv2d':
      return createConvolution(context, layer, ports, last);
    case 'pool':
      return createPool(context, layer, ports);
    case 'relu':
      return createRelu(context, layer, ports);
    case 'average':
      return createAverage(context, layer, ports);
    case 'gelu':
      return createGelu(context, layer, ports);
    case 'add':
      return createAdd(context, inputs, ports.output, volume(layer.output));
    case 'layerNorm':
    case 'batchNorm':
      return createNorm(context, layer, ports, training);
    case 'embedding':
      return createEmbedding(context, layer, ports, shared.bytes);
    case 'position':
      return createPosition(context, layer, ports);
    case 'attention':
      return createAttention(context, layer, ports, shared.tables);
    case 'dropout':
      return training ? createDropout(context, layer, ports) : undefined;
    case 'flatten':
      return undefined;
  }
}

/** Whether a layer's output is its input's slot. */
const renames = (layer: Layer, training: boolean): boolean =>
  layer.kind === 'flatten' || (layer.kind === 'dropout' && !training);

/** Whether the gradient of a layer's inputs is that of its output as it is. */
const passes = (layer: Layer): boolean =>
  layer.kind === 'flatten' || layer.kind === 'add' || layer.kind === 'position';

/** The gradient of one output: where it is, and whether other outputs have the same one. */
interface Flow {
  readonly slot: Slot;
  readonly shared: boolean;
}

interface Gradients {
  /** By layer: the gradient of its output, and of its input where the layer writes one. */
  readonly outputs: (Flow | undefined)[];
  readonly inputs: (Slot | undefined)[];
  /** By layer: what adds up its output's gradient. */
  readonly sums: (Stage | undefined)[];
}

/** Lays out gradients, from the last layer back. */
function planGradients(context: Context, model: Model): Gradients {
  const { machine, capacity } = context;
  const needed = trainable(model);
  const slot = (size: number): Slot => createSlot(machine, capacity * size);
  const arriving: Flow[][] = [[], ...model.layers.map(() => [])];
  arriving.at(-1)!.push({ slot: slot(volume(model.layers.at(-1)!.output)), shared: false });
  const plan: Gradients = { outputs: [], inputs: [], sums: [] };
  for (let index = model.layers.length - 1; index >= 0; index--) {
    const layer = model.layers[index]!;
    const flows = arriving[index + 1]!;
    if (!needed[index + 1]) continue;
    let flow = flows[0]!;
    if (flows.length > 1) {
      const size = volume(layer.output);
      flow = { slot: slot(size), shared: false };
      plan.sums[index] = createSum(
        context,
        flows.map((one) => one.slot),
        flow.slot,
        size,
      );
    }
    plan.outputs[index] = flow;
    const wanted = layer.from.filter((node) => needed[node]);
    if (passes(layer)) {
      const shared = flow.shared || layer.from.length > 1;
      for (const node of wanted) arriving[node]!.push({ slot: flow.slot, shared });
    } else if (wanted.length > 0) {
      const to = slot(volume(layer.input));
      plan.inputs[index] = to;
      arriving[wanted[0]!]!.push({ slot: to, shared: false });
    }
  }
  return plan;
}

/** Where a layer reads and writes. */
function portsOf(
  context: Context,
  layer: Layer,
  index: number,
  slots: readonly [Slot, Slot],
  gradients: Gradients,
): Ports {
  const flow = gradients.outputs[index];
  const relu = (layer.kind === 'dense' || layer.kind === 'conv2d') && layer.relu;
  const size = context.capacity * volume(layer.output);
  return {
    input: slots[0],
    output: slots[1],
    inputGradient: gradients.inputs[index],
    outputGradient: flow?.slot,
    masked: flow && (relu && flow.shared ? createSlot(context.machine, size) : flow.slot),
  };
}

export interface Chain {
  readonly stages: Stage[];
  readonly input: Slot;
  /** The last layer's ports: its exponent is the logits', its gradient slot takes the loss's gradient. */
  readonly end: Ports;
}

export function createChain(context: Context, model: Model, training: boolean, shared: Shared): Chain {
  const { machine, capacity } = context;
  const slot = (size: number): Slot => createSlot(machine, capacity * size);
  const gradients: Gradients = training
    ? planGradients(context, model)
    : { outputs: [], inputs: [], sums: [] };
  const input = slot(model.inputSize);
  const nodes = [input];
  const stages: Stage[] = [];
  let end: Ports | undefined;
  model.layers.forEach((layer, index) => {
    const inputs = layer.from.map((node) => nodes[node]!);
    const output = renames(layer, training) ? inputs[0]! : slot(volume(layer.output));
    const ports = portsOf(context, layer, index, [inputs[0]!, output], gradients);
    const last = index === model.layers.length - 1;
    const stage = createStage(context, layer, { ports, inputs, last, training, shared });
    if (stage && !gradients.outputs[index]) stages.push({ ...stage, backward: () => undefined });
    else if (stage) stages.push(stage);
    // Backward passes run from the last stage to the first: the sum stands behind what it is for.
    const sum = gradients.sums[index];
    if (sum) stages.push(sum);
    nodes.push(output);
    end = ports;
  });
  return { stages, input, end: end! };
}
