/** Lays a model out in one instance's memory and chains its stages; used by training sessions and by prediction. */
import { INPUT_EXPONENT } from '../arithmetic/integers.ts';
import { PROBABILITY_BITS, softmaxGradient } from '../arithmetic/softmax.ts';
import {
  type BasicLayer,
  type FlattenLayer,
  type Model,
  type PoolLayer,
  type ReluLayer,
  volume,
} from '../model.ts';
import { basicLayers } from '../plan/basic.ts';
import { convolutionScratch, createConvolution } from './convolution.ts';
import { createDense, denseScratch } from './dense.ts';
import { createMachine, type Machine } from './machine.ts';
import {
  type Context,
  MAGNITUDE_BYTES,
  MANTISSA_BYTES,
  type Magnitudes,
  maskInto,
  narrowInto,
  type Ports,
  roundUp,
  type Scratch,
  type ScratchSizes,
  type Slot,
  type Stage,
  type Tensor,
} from './stage.ts';

export interface Network {
  readonly context: Context;
  prepare(): void;
  /** Runs `count` samples (u8) up to the logits. */
  forward(inputs: Uint8Array, count: number): void;
  /** Softmax gradient and backward pass; returns the sum of losses at 2^−16. Training networks only. */
  backward(labels: Uint8Array): number;
  /** int32 logits, rows of `logitPitch`. */
  readonly logits: Int32Array;
  readonly logitPitch: number;
  logitExponent(): number;
  readWeights(): Int32Array[];
  readVelocity(): Int32Array[];
  /** Overwrites masters and, when given, velocity. */
  write(weights: readonly Int32Array[], velocity?: readonly Int32Array[]): void;
}

function allocateScratch(machine: Machine, model: Model, capacity: number): Scratch {
  const sizes: ScratchSizes = { wide: 0, panelA: 0, panelB: 0, rows: 0, sums: 0, zero: 0 };
  for (const layer of model.layers) {
    const need =
      layer.kind === 'dense'
        ? denseScratch(layer, capacity)
        : layer.kind === 'conv2d'
          ? convolutionScratch(model.format, layer, capacity)
          : {};
    for (const key of Object.keys(sizes) as (keyof ScratchSizes)[])
      sizes[key] = Math.max(sizes[key], need[key] ?? 0);
  }
  const { allocate } = machine;
  for (const key of ['panelA', 'panelB', 'rows', 'sums'] as const) sizes[key] = roundUp(sizes[key], 64);
  return {
    sizes,
    wide: allocate(sizes.wide),
    panelA: allocate(sizes.panelA * machine.pieces),
    panelB: allocate(sizes.panelB * machine.pieces),
    rows: allocate(sizes.rows * machine.pieces),
    sums: allocate(sizes.sums * machine.pieces),
    zero: allocate(sizes.zero),
  };
}

/** Kernel gradients are written in tiles of 4 × 8, so their buffers are rounded up. */
function allocateTensors(machine: Machine, model: Model, training: boolean): Tensor[] {
  return model.tensors.map(({ shape, size }, index) => {
    const columns = shape.at(-1)!;
    const padded = roundUp(size / columns, 4) * roundUp(columns, 8);
    const [velocity, gradient] = training
      ? [machine.allocate(4 * size), machine.allocate(4 * padded)]
      : [0, 0];
    return { index, size, weight: machine.allocate(4 * size), velocity, gradient, gradientExponent: 0 };
  });
}

function createPool(context: Context, layer: PoolLayer, ports: Ports): Stage {
  const { machine } = context;
  const [from, to] = [MANTISSA_BYTES * volume(layer.input), MANTISSA_BYTES * volume(layer.output)];
  const index = context.machine.allocate(MANTISSA_BYTES * context.capacity * volume(layer.output));
  const [height, width, channels] = layer.input;
  const [ph, pw] = layer.size;
  const { input, output, inputGradient, outputGradient } = ports;
  return {
    forward(count) {
      machine.parallel('poolForward', count, 1, (begin, end) => [
        input.pointer + begin * from,
        output.pointer + begin * to,
        index + begin * to,
        end - begin,
        height,
        width,
        channels,
        ph,
        pw,
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
        height,
        width,
        channels,
        ph,
        pw,
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

function createStage(
  context: Context,
  layer: Exclude<BasicLayer, FlattenLayer>,
  ports: Ports,
  last: boolean,
): Stage {
  switch (layer.kind) {
    case 'dense':
      return createDense(context, layer, ports, last);
    case 'conv2d':
      return createConvolution(context, layer, ports);
    case 'pool':
      return createPool(context, layer, ports);
    case 'relu':
      return createRelu(context, layer, ports);
  }
}

interface Chain {
  readonly stages: Stage[];
  readonly input: Slot;
  /** The last layer's ports: its exponent is the logits', its gradient slot takes the softmax gradient. */
  readonly end: Ports;
}

/** Slots between layers and a stage for each layer but Flatten, which only renames its input. */
function createChain(context: Context, model: Model, training: boolean): Chain {
  const slot = (size: number): Slot => ({
    pointer: context.machine.allocate(MANTISSA_BYTES * context.capacity * size),
    exponent: 0,
  });
  const input = slot(model.inputSize);
  const firstWeighted = model.layers.findIndex((layer) => layer.kind === 'dense' || layer.kind === 'conv2d');
  const stages: Stage[] = [];
  let end: Ports = { input, output: input, inputGradient: undefined, outputGradient: undefined };
  basicLayers(model).forEach((layer, index) => {
    if (layer.kind === 'flatten') return;
    const ports: Ports = {
      input: end.output,
      output: slot(volume(layer.output)),
      inputGradient: index > firstWeighted ? end.outputGradient : undefined,
      outputGradient: training && index >= firstWeighted ? slot(volume(layer.output)) : undefined,
    };
    stages.push(createStage(context, layer, ports, index === model.layers.length - 1));
    end = ports;
  });
  return { stages, input, end };
}

/** Memory for `capacity` samples; with `training`, also gradients and velocity. */
export function createNetwork(
  module: WebAssembly.Module,
  model: Model,
  capacity: number,
  training: boolean,
  threads = 1,
): Network {
  const machine = createMachine(module, threads);
  const { kernels } = machine;
  const tensors = allocateTensors(machine, model, training);
  const scratch = allocateScratch(machine, model, capacity);
  const magnitudes: Magnitudes = {
    pointer: machine.allocate(MAGNITUDE_BYTES * (tensors.length + machine.pieces)),
    view: new Int32Array(0),
  };
  const { format } = model;
  const context: Context = { format, machine, tensors, scratch, magnitudes, capacity };
  const { stages, input, end } = createChain(context, model, training);
  const logitPitch = roundUp(model.classes, 8);
  const raw = machine.allocate(4 * capacity * logitPitch);
  const inputPointer = machine.allocate(capacity * model.inputSize);
  for (const stage of stages) stage.bind?.();
  magnitudes.view = machine.int32(magnitudes.pointer, 2 * (tensors.length + machine.pieces));
  const inputBytes = machine.bytes(inputPointer, capacity * model.inputSize);
  const logits = machine.int32(scratch.wide, capacity * logitPitch);
  const rawGradient = machine.int32(raw, capacity * logitPitch);
  const views = tensors.map(({ weight, velocity, size }) => ({
    weight: machine.int32(weight, size),
    velocity: machine.int32(velocity, training ? size : 0),
  }));

  return {
    context,
    logits,
    logitPitch,
    logitExponent: () => end.output.exponent,
    prepare() {
      for (const stage of stages) stage.prepare?.();
    },
    forward(inputs, count) {
      inputBytes.set(inputs);
      kernels.widen(inputPointer, input.pointer, inputs.length, format.inputShift, format.inputMax);
      input.exponent = INPUT_EXPONENT + format.inputShift;
      for (const stage of stages) stage.forward(count);
    },
    backward(labels) {
      const count = labels.length;
      const loss = softmaxGradient(
        logits,
        end.output.exponent,
        labels,
        model.classes,
        logitPitch,
        rawGradient,
      );
      if (logitPitch !== model.classes) kernels.compact(raw, count, logitPitch, model.classes);
      const cells = count * model.classes;
      const bits = kernels.magnitude(raw, cells);
      narrowInto(machine, raw, end.outputGradient!, cells, bits, -PROBABILITY_BITS, format.gradientBits);
      for (let i = stages.length - 1; i >= 0; i--) stages[i]!.backward?.(count);
      return loss;
    },
    readWeights: () => views.map(({ weight }) => weight.slice()),
    readVelocity: () => views.map(({ velocity }) => velocity.slice()),
    write(weights, velocity) {
      views.forEach((view, i) => {
        view.weight.set(weights[i]!);
        if (velocity) view.velocity.set(velocity[i]!);
        const tensor = tensors[i]!;
        magnitudes.view[2 * i] = kernels.magnitude(tensor.weight, tensor.size);
        magnitudes.view[2 * i + 1] = velocity ? kernels.magnitude(tensor.velocity, tensor.size) : 0;
      });
    },
  };
}
