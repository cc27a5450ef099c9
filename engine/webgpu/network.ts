/** Lays a model out on a device: buffers and the fixed list of calls that a step or a prediction makes. */
import { FedaiError } from '../../core/index.ts';
import { EXP2_NEGATIVE_Q20, LOG2_ONE_PLUS_Q16 } from '../arithmetic/tables.ts';
import type { TrainingRecipe } from '../document.ts';
import { type Model, positionsOf, termsOf, volume } from '../model.ts';
import { momentsOf } from '../reference/optimiser.ts';
import type { Device } from './device.ts';
import { createGraph, type Graph } from './graph.ts';
import { groupWords } from './norm.ts';
import { updateCalls } from './optimiser.ts';
import { createProgram, type Program, rowGroups } from './program.ts';
import { squareOf } from './sequence.ts';
import { type Context, createPlaces, narrowInto, type Slot, type Tensor } from './slots.ts';
import { goalsLength, stepLength } from './step.ts';
import { SLICE_TERMS, SLICE_VALUES } from './weighted.ts';

export interface Network {
  readonly program: Program;
  readonly tensors: readonly Tensor[];
  /** u8, four to a word. */
  readonly inputs: GPUBuffer;
  /** Classes of all rows, or targets. */
  readonly goals: GPUBuffer;
  /** See step.ts. */
  readonly words: GPUBuffer;
  /** Two words. */
  readonly loss: GPUBuffer;
  readonly logits: GPUBuffer;
  readonly exponents: GPUBuffer;
  /** Place of the exponent of the first sample's logits. */
  readonly logitExponent: number;
  readonly weightMagnitudes: GPUBuffer;
}

/** Parts of a batch that the largest buffers hold. */
interface Sizes {
  wide: number;
  slices: number;
  sums: number;
  groups: number;
  scores: number;
}

function sizesOf({ layers }: Model, count: number, training: boolean): Sizes {
  const sizes: Sizes = { wide: 0, slices: 0, sums: 0, groups: 0, scores: 0 };
  const grow = (key: keyof Sizes, ...values: number[]): void => {
    sizes[key] = Math.max(sizes[key], ...values);
  };
  for (const layer of layers) {
    grow('wide', count * volume(layer.output), training ? count * volume(layer.input) : 0);
    if (layer.kind === 'layerNorm' || layer.kind === 'batchNorm') grow('groups', groupWords(layer, count));
    if (layer.kind === 'attention') grow('scores', squareOf(layer, count));
    if (!training || (layer.kind !== 'dense' && layer.kind !== 'conv2d')) continue;
    const size = termsOf(layer) * layer.output[2];
    const rows = count * positionsOf(layer);
    grow('sums', size);
    grow('slices', size, Math.min(SLICE_VALUES, size * Math.ceil(rows / SLICE_TERMS)));
  }
  grow('wide', sizes.scores);
  return sizes;
}

function createTensors(
  program: Program,
  model: Model,
  take: () => number,
  recipe: TrainingRecipe | undefined,
): Tensor[] {
  return model.tensors.map(({ size, shape, statistic }, magnitude) => ({
    size,
    weight: program.buffer(size),
    moments: Array.from({ length: recipe ? momentsOf(recipe) : 0 }, () => program.buffer(size)),
    gradient: recipe && !statistic ? { buffer: program.buffer(size), exponent: take() } : undefined,
    decays: shape.length > 1,
    magnitude,
  }));
}

function lossCalls(
  context: Context,
  model: Model,
  recipe: TrainingRecipe,
  { logits, logitGradient }: Graph,
  goals: GPUBuffer,
  loss: GPUBuffer,
): void {
  const { program, places, count, format, shared } = context;
  const rows = count * model.positions;
  const size = rows * model.classes;
  const squared = recipe.loss === 'mean_squared_error';
  const exponent = squared ? places.squared : places.probability;
  const raw = { slot: { buffer: program.buffer(size), exponent }, magnitude: places.take() };
  const parameters = [rows, model.classes, logits.exponent, raw.magnitude];
  const given = [places.exponents, raw.slot.buffer, places.magnitudes, loss];
  if (squared) program.call('squared', parameters, [logits.buffer, goals, ...given]);
  else program.call('loss', parameters, [logits.buffer, goals, shared.tables, ...given], rowGroups(rows));
  narrowInto(context, raw, logitGradient!, size, format.gradientBits);
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

function createContext(
  device: Device,
  program: Program,
  model: Model,
  count: number,
  recipe: TrainingRecipe | undefined,
): Context {
  const sizes = sizesOf(model, count, recipe !== undefined);
  checkSize(device, sizes);
  const { format } = model;
  const places = createPlaces(program, format, model.layers.length, model.tensors.length, recipe ? 1 : count);
  return {
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
      groups: program.buffer(sizes.groups),
      scores: program.buffer(recipe ? sizes.scores : 1),
      nothing: program.buffer(1),
    },
    shared: {
      bytes: program.buffer(Math.ceil((count * model.inputSize) / 4)),
      words: program.buffer(stepLength(model)),
      tables: program.filled(Uint32Array.from([...EXP2_NEGATIVE_Q20, ...LOG2_ONE_PLUS_Q16])),
    },
  };
}

/** `recipe`: also gradients, moments and the update. Without it each sample has exponents of its own. */
export function createNetwork(
  device: Device,
  model: Model,
  count: number,
  recipe: TrainingRecipe | undefined,
): Network {
  const program = createProgram(device);
  const context = createContext(device, program, model, count, recipe);
  const { places, shared, format } = context;
  const inputSize = count * model.inputSize;
  const goals = program.buffer(recipe ? goalsLength(model, recipe) : 1);
  const loss = program.buffer(2);
  const input: Slot = { buffer: program.buffer(inputSize), exponent: places.input };
  program.clear(places.magnitudes);
  program.clear(loss);
  program.call('widen', [inputSize, format.inputShift, format.inputMax], [shared.bytes, input.buffer]);
  const graph = createGraph(context, model, input, recipe !== undefined);
  graph.forward();
  if (recipe) {
    lossCalls(context, model, recipe, graph, goals, loss);
    graph.backward();
    updateCalls(context, recipe, count * model.positions);
    graph.settle();
  }
  return {
    ...{ program, tensors: context.tensors, inputs: shared.bytes, words: shared.words, goals, loss },
    logits: graph.logits.buffer,
    logitExponent: graph.logits.exponent,
    exponents: places.exponents,
    weightMagnitudes: places.weightMagnitudes,
  };
}
