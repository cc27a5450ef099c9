/** Admission of a fast kernel: it must give the reference's bits on models and inputs that reach every path and every edge. */
import { numericFormats } from '../arithmetic/format.ts';
import { type LayerDocument, recipeSchema, type TrainingRecipe } from '../document.ts';
import type { Batch, Kernel } from '../engine.ts';
import { type Model, parseModel } from '../model.ts';
import { referenceKernel } from '../reference/kernel.ts';
import { momentsOf } from '../reference/optimiser.ts';
import { initialState, type TrainState } from '../state/state.ts';

export const BATCH = 4;
const STEPS = 2;

const conv = (
  filters: number,
  size: [number, number],
  strides: [number, number],
  padding: 'same' | 'valid',
  use_bias = true,
): LayerDocument => ({
  class_name: 'Conv2D',
  config: {
    filters,
    kernel_size: size,
    strides,
    padding,
    activation: padding === 'same' ? 'relu' : 'linear',
    use_bias,
  },
});
const dense = (units: number, activation: 'relu' | 'softmax'): LayerDocument => ({
  class_name: 'Dense',
  config: { units, activation, use_bias: true },
});
const pool: LayerDocument = { class_name: 'MaxPooling2D', config: { pool_size: [2, 2] } };

/** Odd sizes, strides, remainders, tails narrower than a tile, sums longer than one int32 block (K > 512). */
const MODELS: readonly { input: number[]; layers: LayerDocument[] }[] = [
  {
    input: [13, 14, 3],
    layers: [
      conv(8, [3, 3], [1, 1], 'same'),
      pool,
      conv(5, [2, 3], [2, 1], 'valid', false),
      { class_name: 'ReLU' },
      { class_name: 'Flatten' },
      dense(7, 'relu'),
      dense(3, 'softmax'),
    ],
  },
  {
    input: [12, 12],
    layers: [
      conv(8, [3, 3], [1, 1], 'same'),
      conv(5, [3, 3], [2, 2], 'same'),
      pool,
      { class_name: 'Flatten' },
      dense(8, 'softmax'),
    ],
  },
  { input: [9], layers: [dense(530, 'relu'), dense(11, 'softmax')] },
  {
    input: [2, 3, 64],
    layers: [
      conv(60, [1, 1], [1, 1], 'valid'),
      conv(4, [3, 3], [1, 1], 'same'),
      { class_name: 'Flatten' },
      dense(2, 'softmax'),
    ],
  },
];

/** `bfp8@1` takes the same ways with narrower operands, but packs them otherwise: convolutions and long rows are enough. */
const NARROW_MODELS: readonly number[] = [0, 2];

const admissionRecipe = (rate: number): TrainingRecipe =>
  recipeSchema.parse({
    loss: 'sparse_categorical_crossentropy',
    optimizer: {
      class_name: 'SGD',
      config: { momentumShift: 3, learningRateShifts: [rate, 3], boundaries: [1] },
    },
    batchSize: BATCH,
  });

/** xorshift32: enough to spread test values, the same everywhere. */
export function createNoise(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x;
  };
}

export type Fill = (noise: number) => number;
/** Masters and velocity: as drawn, spread over int32, and at both ends (mantissas at their limits, saturation everywhere). */
const STATES: readonly (Fill | undefined)[] = [
  undefined,
  (noise) => Math.max(-2147483647, noise),
  (noise) => (noise % 3 === 0 ? -2147483647 : 2147483647),
];
const INPUTS: readonly Fill[] = [(noise) => noise & 255, (noise) => (noise & 1) * 255, () => 0, () => 255];

function fillState(start: TrainState, fill: Fill | undefined, noise: () => number): TrainState {
  if (!fill) return start;
  const all = (tensors: readonly Int32Array[]): Int32Array[] =>
    tensors.map((tensor) => tensor.map(() => fill(noise())));
  return { counter: 0, weights: all(start.weights), velocity: all(start.velocity) };
}

function createBatch(model: Model, fill: Fill, noise: () => number): Batch {
  const limit = model.positions > 1 ? model.classes : 256;
  const inputs = Uint8Array.from({ length: BATCH * model.inputSize }, () => fill(noise()) % limit);
  return { inputs, labels: Uint8Array.from({ length: BATCH }, () => (noise() >>> 0) % model.classes) };
}

const sameTensors = (a: readonly Int32Array[], b: readonly Int32Array[]): boolean =>
  a.every((tensor, t) => tensor.every((value, i) => value === b[t]![i]));

/** Where `kernel` differs from the reference for one model and kind of state, or undefined. */
export function compare(
  kernel: Kernel,
  model: Model,
  fill: Fill | undefined,
  recipe: TrainingRecipe,
  noise: () => number,
): string | undefined {
  const state = fillState(initialState(model, Uint8Array.of(1), momentsOf(recipe)), fill, noise);
  const expected = referenceKernel.trainer(model, recipe, state);
  const actual = kernel.trainer(model, recipe, state);
  for (let step = 0; step < STEPS; step++) {
    const batch = createBatch(model, INPUTS[noise() & 3]!, noise);
    if (actual.step(batch) !== expected.step(batch)) return `loss of step ${step}`;
    const [a, b] = [actual.export(), expected.export()];
    if (a.counter !== b.counter || !sameTensors(a.weights, b.weights) || !sameTensors(a.velocity, b.velocity))
      return `state after step ${step}`;
  }
  const { inputs } = createBatch(model, INPUTS[0]!, noise);
  const { weights } = expected.export();
  const [a, b] = [kernel, referenceKernel].map((k) => k.predict(model, weights, inputs, BATCH).logitsQ16);
  return sameTensors([a!], [b!]) ? undefined : 'prediction';
}

/** Why the kernel must not be used, or undefined when it matched everywhere. Takes a fraction of a second. */
export function findMismatch(kernel: Kernel): string | undefined {
  const noise = createNoise(0x9e3779b9);
  for (const numeric of numericFormats) {
    for (const [index, { input, layers }] of MODELS.entries()) {
      if (numeric !== 'bfp12@1' && !NARROW_MODELS.includes(index)) continue;
      const model = parseModel({ format: 'fedai-model/1', numeric, input, layers });
      for (const [kind, fill] of STATES.entries()) {
        const difference = compare(kernel, model, fill, admissionRecipe(kind + 4), noise);
        if (difference)
          return `${kernel.name} kernel differs from the reference: ${numeric}, model ${index}, values ${kind}, ${difference}`;
      }
    }
  }
  return undefined;
}
