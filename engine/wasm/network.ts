/** Lays a model out in one instance's memory and chains its stages; used by training sessions and by prediction. */
import { INPUT_EXPONENT } from '../arithmetic/integers.ts';
import type { TrainingRecipe } from '../document.ts';
import type { Batch } from '../engine.ts';
import { type Model, volume } from '../model.ts';
import { momentsOf } from '../reference/optimiser.ts';
import { attentionWide } from './attention.ts';
import { createChain } from './chain.ts';
import { convolutionScratch } from './convolution.ts';
import { denseScratch } from './dense.ts';
import { createLoss, createTables } from './loss.ts';
import { createMachine, type Machine } from './machine.ts';
import {
  type Context,
  MAGNITUDE_BYTES,
  type Magnitudes,
  roundUp,
  type Scratch,
  type ScratchSizes,
  type Tensor,
} from './stage.ts';

/** The build for products, and the plain one for the rest. */
export interface Modules {
  readonly products: WebAssembly.Module;
  readonly plain: WebAssembly.Module;
}

export interface Network {
  readonly context: Context;
  prepare(): void;
  /** Runs `count` samples (u8) up to the logits. */
  forward(inputs: Uint8Array, count: number): void;
  /** Gradient of the loss and backward pass; returns the sum of losses at 2^−16. Training networks only. */
  backward(batch: Batch): number;
  /** Moves what the optimiser does not. */
  settle(): void;
  /** int32 logits, rows of `logitPitch`, one a position. */
  readonly logits: Int32Array;
  readonly logitPitch: number;
  logitExponent(): number;
  readWeights(): Int32Array[];
  /** Moments tensor by tensor: first or only ones, then second. */
  readVelocity(): Int32Array[];
  /** Overwrites masters and, when given, moments. */
  write(weights: readonly Int32Array[], velocity?: readonly Int32Array[]): void;
}

/** What a layer needs of the shared buffers for `count` samples. */
function scratchOf(model: Model, layer: Model['layers'][number], count: number): Partial<ScratchSizes> {
  switch (layer.kind) {
    case 'dense':
      return denseScratch(layer, count);
    case 'conv2d':
      return convolutionScratch(model.format, layer, count);
    case 'attention':
      return { wide: 4 * count * attentionWide(layer) };
    default: {
      const longest = Math.max(volume(layer.input), volume(layer.output));
      return { wide: 4 * roundUp(count * longest, 8), zero: 4 * roundUp(layer.output[2], 8) };
    }
  }
}

function allocateScratch(machine: Machine, model: Model, capacity: number): Scratch {
  const sizes: ScratchSizes = { wide: 0, panelA: 0, panelB: 0, rows: 0, sums: 0, zero: 0 };
  for (const layer of model.layers) {
    const need = scratchOf(model, layer, capacity);
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

/** Kernel gradients are written in tiles of 4 × 8, so their buffers are rounded up. `moments` is 0 in sessions that only predict. */
function allocateTensors(machine: Machine, model: Model, moments: number): Tensor[] {
  return model.tensors.map(({ shape, size, statistic }, index) => {
    const columns = shape.at(-1)!;
    const padded = roundUp(size / columns, 4) * roundUp(columns, 8);
    const room = (wanted: boolean, n: number): number => (wanted ? machine.allocate(4 * n) : 0);
    return {
      index,
      size,
      trained: statistic === undefined,
      decays: shape.length > 1,
      weight: machine.allocate(4 * size),
      velocity: room(moments > 0, size),
      second: room(moments > 1, size),
      gradient: room(moments > 0, padded),
      gradientExponent: 0,
    };
  });
}

/** Reads and writes masters and moments. */
function createState({ machine, tensors, magnitudes }: Context, moments: number) {
  const views = tensors.map(({ weight, velocity, second, size }) => ({
    weight: machine.int32(weight, size),
    moments: [velocity, second].slice(0, moments).map((pointer) => machine.int32(pointer, size)),
  }));
  const { kernels } = machine;
  return {
    readWeights: () => views.map(({ weight }) => weight.slice()),
    readVelocity: () =>
      Array.from({ length: moments }, (_, i) => views.map((view) => view.moments[i]!.slice())).flat(),
    write(weights: readonly Int32Array[], velocity?: readonly Int32Array[]) {
      views.forEach((view, t) => {
        view.weight.set(weights[t]!);
        if (velocity)
          for (const [i, moment] of view.moments.entries()) moment.set(velocity[i * views.length + t]!);
        const tensor = tensors[t]!;
        magnitudes.view[2 * t] = kernels.magnitude(tensor.weight, tensor.size);
        magnitudes.view[2 * t + 1] = velocity ? kernels.magnitude(tensor.velocity, tensor.size) : 0;
      });
    },
  };
}

/** Memory for `capacity` samples; with a recipe, also for its training. */
export function createNetwork(
  modules: Modules,
  model: Model,
  capacity: number,
  recipe?: TrainingRecipe,
  threads = 1,
): Network {
  const machine = createMachine(modules.products, threads, modules.plain);
  const { format } = model;
  const moments = recipe ? momentsOf(recipe) : 0;
  const tensors = allocateTensors(machine, model, moments);
  const magnitudes: Magnitudes = {
    pointer: machine.allocate(MAGNITUDE_BYTES * (tensors.length + machine.pieces)),
    view: new Int32Array(0),
  };
  const scratch = allocateScratch(machine, model, capacity);
  const step = { counter: 0 };
  const context: Context = { format, machine, tensors, scratch, magnitudes, capacity, step };
  const tables = createTables(machine);
  const bytes = machine.allocate(capacity * model.inputSize);
  const chain = createChain(context, model, recipe !== undefined, { tables: tables.pointer, bytes });
  const { stages, input, end } = chain;
  const loss = recipe && createLoss(context, model, recipe, tables.pointer);
  for (const part of [tables, loss, ...stages]) part?.bind?.();
  magnitudes.view = machine.int32(magnitudes.pointer, 2 * (tensors.length + machine.pieces));
  const inputBytes = machine.bytes(bytes, capacity * model.inputSize);
  const logitPitch = roundUp(model.classes, 8);

  return {
    context,
    ...createState(context, moments),
    logits: machine.int32(scratch.wide, capacity * model.positions * logitPitch),
    logitPitch,
    logitExponent: () => end.output.exponent,
    prepare() {
      for (const stage of stages) stage.prepare?.();
    },
    forward(inputs, count) {
      inputBytes.set(inputs);
      machine.kernels.widen(bytes, input.pointer, inputs.length, format.inputShift, format.inputMax);
      input.exponent = INPUT_EXPONENT + format.inputShift;
      for (const stage of stages) stage.forward(count);
    },
    backward(batch) {
      const sum = loss!.run(end.output.exponent, batch, end.outputGradient!);
      for (let i = stages.length - 1; i >= 0; i--) stages[i]!.backward?.(batch.labels.length);
      return sum;
    },
    settle() {
      for (const stage of stages) stage.settle?.();
    },
  };
}
