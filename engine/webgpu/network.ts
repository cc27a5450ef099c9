/** Lays a basic model out on a device: buffers and the fixed list of calls that a step or a prediction makes. */
import { FedaiError } from '../../core/index.ts';
import { EXP2_NEGATIVE_Q20, LOG2_ONE_PLUS_Q16 } from '../arithmetic/tables.ts';
import type { TrainingRecipe } from '../document.ts';
import { type Model, type PoolLayer, positionsOf, termsOf, volume } from '../model.ts';
import { type DeviceLayer, deviceLayers, sgdOf } from './covers.ts';
import type { Device } from './device.ts';
import { createProgram, type Program } from './program.ts';
import { type Context, createPlaces, type Slot, type Tensor } from './slots.ts';
import { createWeighted, narrowInto, SLICE_TERMS, SLICE_VALUES, type Weighted } from './weighted.ts';

export interface Network {
  readonly program: Program;
  readonly tensors: readonly Tensor[];
  /** u8, four to a word. */
  readonly inputs: GPUBuffer;
  readonly labels: GPUBuffer;
  /** Shift of the learning rate. */
  readonly rate: GPUBuffer;
  readonly loss: GPUBuffer;
  readonly logits: GPUBuffer;
  readonly exponents: GPUBuffer;
  /** Place of the exponent of the first sample's logits. */
  readonly logitExponent: number;
  readonly weightMagnitudes: GPUBuffer;
}

/** Parts of a batch that the largest buffers hold. */
interface Sizes {
  readonly wide: number;
  readonly slices: number;
  readonly sums: number;
}

function sizesOf(layers: readonly DeviceLayer[], count: number, training: boolean): Sizes {
  let [wide, slices, sums] = [0, 0, 0];
  for (const layer of layers) {
    wide = Math.max(wide, count * volume(layer.output), training ? count * volume(layer.input) : 0);
    if (!training || (layer.kind !== 'dense' && layer.kind !== 'conv2d')) continue;
    const size = termsOf(layer) * layer.output[2];
    const rows = count * positionsOf(layer);
    sums = Math.max(sums, size);
    slices = Math.max(slices, size, Math.min(SLICE_VALUES, size * Math.ceil(rows / SLICE_TERMS)));
  }
  return { wide, slices, sums };
}

function createTensors(
  program: Program,
  model: Model,
  take: () => number,
  recipe: TrainingRecipe | undefined,
): Tensor[] {
  return model.tensors.map(({ size }, magnitude) => ({
    size,
    weight: program.buffer(size),
    velocity: recipe && program.buffer(size),
    gradient: recipe && { buffer: program.buffer(size), exponent: take() },
    magnitude,
  }));
}

/** How one layer takes part in a step. */
interface Stage {
  forward(): void;
  /** Absent below the first layer with a kernel. */
  backward?: (() => void) | undefined;
}

/** Between two layers: outputs, and their gradients when training. */
interface Joint {
  readonly output: Slot;
  readonly gradient: Slot | undefined;
}

function createPool(context: Context, layer: PoolLayer, from: Joint, to: Joint): Stage {
  const { program, count } = context;
  const { input, output, size } = layer;
  const winners = program.buffer(count * volume(output));
  const shape = [...input, output[0], output[1], ...size];
  return {
    forward: () =>
      program.call(
        'poolForward',
        [count * volume(output), ...shape],
        [from.output.buffer, to.output.buffer, winners],
      ),
    backward() {
      if (!from.gradient) return;
      program.call(
        'poolBackward',
        [count * volume(input), ...shape],
        [to.gradient!.buffer, winners, from.gradient.buffer],
      );
    },
  };
}

function mask({ program }: Context, gradient: Slot, output: Slot, to: Slot, size: number): void {
  program.call('mask', [size], [gradient.buffer, output.buffer, to.buffer]);
}

/** A gradient whose layer has ReLU is masked into scratch space first. */
function createWeightedStage(
  context: Context,
  layer: Extract<DeviceLayer, { kind: 'dense' | 'conv2d' }>,
  weighted: Weighted,
  joints: { from: Joint; to: Joint; last: boolean },
): Stage {
  const { format, places, scratch, count } = context;
  const { from, to, last } = joints;
  const [inputs, outputs] = [count * volume(layer.input), count * volume(layer.output)];
  return {
    forward() {
      const wide = { buffer: scratch.wide, exponent: last ? to.output.exponent : places.take() };
      const magnitude = weighted.forward(from.output, wide);
      if (!last) narrowInto(context, wide, magnitude, to.output, outputs, format.activationBits);
    },
    backward() {
      let gradient = to.gradient!;
      if (layer.relu) {
        const masked = { buffer: scratch.masked, exponent: gradient.exponent };
        mask(context, gradient, to.output, masked, outputs);
        gradient = masked;
      }
      weighted.gradients(from.output, gradient);
      if (!from.gradient) return;
      const wide = { buffer: scratch.wide, exponent: places.take() };
      const magnitude = weighted.backward(gradient, wide);
      narrowInto(context, wide, magnitude, from.gradient, inputs, format.gradientBits);
    },
  };
}

function createReluStage(context: Context, size: number, from: Joint, to: Joint): Stage {
  return {
    forward: () => context.program.call('relu', [size], [from.output.buffer, to.output.buffer]),
    backward() {
      if (from.gradient) mask(context, to.gradient!, to.output, from.gradient, size);
    },
  };
}

/** Mantissas of a layer's kernel, narrowed anew in each step. */
function narrowKernel({ program, places, tensors, format }: Context, index: number): Slot {
  const tensor = tensors[index]!;
  const slot = { buffer: program.buffer(tensor.size), exponent: places.take() };
  program.call(
    'narrow',
    [tensor.size, tensor.size, 0, format.weightBits, places.master, slot.exponent, tensor.magnitude],
    [tensor.weight, slot.buffer, places.exponents, places.weightMagnitudes],
  );
  return slot;
}

interface Chain {
  readonly stages: readonly Stage[];
  readonly end: Joint;
}

/** Where exponents pass unchanged, so does their place. */
function createChain(context: Context, model: Model, input: Slot, training: boolean): Chain {
  const { program, places, count, scratch } = context;
  const first = model.layers.findIndex((layer) => layer.kind === 'dense' || layer.kind === 'conv2d');
  const stages: Stage[] = [];
  let from: Joint = { output: input, gradient: undefined };
  for (const [index, layer] of deviceLayers(model).entries()) {
    if (layer.kind === 'flatten') continue;
    const size = count * volume(layer.output);
    const last = index === model.layers.length - 1;
    const weighted = layer.kind === 'dense' || layer.kind === 'conv2d';
    const needed = training && index >= first;
    const gradientPlace = weighted || !from.gradient ? places.take() : from.gradient.exponent;
    const to: Joint = {
      output: {
        buffer: last ? scratch.wide : program.buffer(size),
        exponent: weighted ? places.take() : from.output.exponent,
      },
      gradient: needed ? { buffer: program.buffer(size), exponent: gradientPlace } : undefined,
    };
    if (weighted) {
      const kernel = narrowKernel(context, layer.kernel);
      const product = createWeighted(context, layer, kernel);
      stages.push(createWeightedStage(context, layer, product, { from, to, last }));
    } else if (layer.kind === 'pool') stages.push(createPool(context, layer, from, to));
    else stages.push(createReluStage(context, size, from, to));
    from = to;
  }
  return { stages, end: from };
}

function lossCalls(context: Context, model: Model, end: Joint, labels: GPUBuffer, loss: GPUBuffer): void {
  const { program, places, count, format } = context;
  const size = count * model.classes;
  const tables = program.filled(Uint32Array.from([...EXP2_NEGATIVE_Q20, ...LOG2_ONE_PLUS_Q16]));
  const wide = { buffer: program.buffer(size), exponent: places.probability };
  const magnitude = places.take();
  program.call(
    'loss',
    [model.classes, end.output.exponent, magnitude],
    [end.output.buffer, labels, tables, places.exponents, wide.buffer, places.magnitudes, loss],
    [count],
  );
  narrowInto(context, wide, magnitude, end.gradient!, size, format.gradientBits);
}

function updateCalls(context: Context, recipe: TrainingRecipe, rate: GPUBuffer): void {
  const { program, places, tensors } = context;
  const { momentumShift } = sgdOf(recipe);
  const batchLog = Math.log2(recipe.batchSize);
  program.clear(places.weightMagnitudes);
  for (const { size, weight, velocity, gradient, magnitude } of tensors) {
    program.call(
      'update',
      [size, gradient!.exponent, batchLog, momentumShift, magnitude],
      [weight, velocity!, gradient!.buffer, places.exponents, places.weightMagnitudes, rate],
    );
  }
}

/** Throws `DEVICE_TOO_SMALL` when a tensor does not fit a buffer of the device. */
function checkSize({ gpu, adapter }: Device, { wide, slices, sums }: Sizes): void {
  const bytes = 4 * Math.max(wide, slices, 2 * sums);
  const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
  if (bytes <= limit) return;
  throw new FedaiError(
    'DEVICE_TOO_SMALL',
    'a batch is too large for the graphics device',
    { adapter: adapter.name, bytes, expected: `<= ${limit}` },
    { remedy: 'use a smaller batch, or the wasm engine' },
  );
}

/** `recipe`: also gradients, velocity and the update. Without it each sample has exponents of its own. */
export function createNetwork(
  device: Device,
  model: Model,
  count: number,
  recipe: TrainingRecipe | undefined,
): Network {
  const sizes = sizesOf(deviceLayers(model), count, recipe !== undefined);
  checkSize(device, sizes);
  const program = createProgram(device);
  const { format } = model;
  const samples = recipe ? 1 : count;
  const places = createPlaces(program, format, model.layers.length, model.tensors.length, samples);
  const context: Context = {
    program,
    format,
    packed: device.packed && format.name === 'bfp8@1',
    count,
    bySample: !recipe,
    tensors: createTensors(program, model, places.take, recipe),
    places,
    scratch: {
      wide: program.buffer(sizes.wide),
      masked: program.buffer(recipe ? sizes.wide : 1),
      slices: program.buffer(sizes.slices),
      sums: program.buffer(2 * sizes.sums),
      nothing: program.buffer(1),
    },
  };
  const inputSize = count * model.inputSize;
  const [inputs, labels] = [program.buffer(Math.ceil(inputSize / 4)), program.buffer(count)];
  const [rate, loss] = [program.buffer(1), program.buffer(1)];
  const input: Slot = { buffer: program.buffer(inputSize), exponent: places.input };
  program.clear(places.magnitudes);
  program.clear(loss);
  program.call('widen', [inputSize, format.inputShift, format.inputMax], [inputs, input.buffer]);
  const { stages, end } = createChain(context, model, input, recipe !== undefined);
  for (const stage of stages) stage.forward();
  if (recipe) {
    lossCalls(context, model, end, labels, loss);
    for (const stage of stages.toReversed()) stage.backward?.();
    updateCalls(context, recipe, rate);
  }
  return {
    ...{ program, tensors: context.tensors, inputs, labels, rate, loss },
    logits: end.output.buffer,
    logitExponent: end.output.exponent,
    exponents: places.exponents,
    weightMagnitudes: places.weightMagnitudes,
  };
}
