/** Layers beyond the basic ones: against a float oracle, and their gradients against finite differences of it. */
import { describe, expect, it } from 'vitest';
import { createEngine, type Model, parseModel, parseRecipe, type TrainState } from '../../engine/index.ts';
import { backward, forward } from '../../engine/reference/network.ts';
import { initialState } from '../../engine/state/state.ts';
import { floatLoss } from './float.ts';
import { conv, createNoise, dense, flatten, sgd, sizedBatch } from './support.ts';

const BATCH = 8;
const layer = (class_name: string, config?: object, more: object = {}) => ({
  class_name,
  ...(config && { config }),
  ...more,
});
const grid = (stride: [number, number], padding: unknown, groups: number) => ({
  class_name: 'Conv2D',
  config: {
    filters: 4,
    kernel_size: [3, 3],
    strides: stride,
    padding,
    groups,
    activation: 'linear',
    use_bias: true,
  },
});
const sequence = (...layers: object[]) => [
  layer('Embedding', { input_dim: 32, output_dim: 12 }),
  ...layers,
  dense(32, 'softmax'),
];

const MODELS: Readonly<Record<string, { input: number[]; layers: object[] }>> = {
  'average pooling': {
    input: [7, 6, 2],
    layers: [
      conv(4, [3, 3], 'same', 'linear'),
      layer('AveragePooling2D', { pool_size: [2, 3] }),
      flatten,
      dense(3, 'softmax'),
    ],
  },
  'global average': {
    input: [5, 5, 2],
    layers: [conv(6, [3, 3], 'same', 'linear'), layer('GlobalAveragePooling2D'), dense(3, 'softmax')],
  },
  'groups, strides, explicit padding': {
    input: [6, 6, 4],
    layers: [
      grid(
        [2, 2],
        [
          [1, 1],
          [1, 0],
        ],
        2,
      ),
      grid([1, 1], 'same', 4),
      flatten,
      dense(3, 'softmax'),
    ],
  },
  residual: {
    input: [4, 4, 3],
    layers: [
      conv(3, [3, 3], 'same', 'linear'),
      layer('GELU', undefined, { name: 'a' }),
      conv(3, [3, 3], 'same', 'linear'),
      layer('Add', undefined, { name: 'b', from: ['a', 'input', 'sum'] }),
      flatten,
      dense(3, 'softmax'),
    ],
  },
  'layer norm': {
    input: [10],
    layers: [dense(8, 'linear'), layer('LayerNormalization', {}), dense(3, 'softmax')],
  },
  'batch norm': {
    input: [5, 5, 2],
    layers: [
      conv(4, [3, 3], 'valid', 'linear'),
      layer('BatchNormalization', {}),
      flatten,
      dense(3, 'softmax'),
    ],
  },
  GELU: { input: [10], layers: [dense(12, 'linear'), layer('GELU'), dense(3, 'softmax')] },
  embedding: { input: [8], layers: sequence(layer('PositionEmbedding')) },
  attention: {
    input: [8],
    layers: sequence(dense(36, 'linear'), layer('Attention', { num_heads: 3, causal: true })),
  },
  'attention without mask': {
    input: [8],
    layers: sequence(
      dense(24, 'linear'),
      layer('Attention', { num_heads: 1, causal: false }),
      dense(6, 'linear'),
    ),
  },
  dropout: {
    input: [10],
    layers: [dense(16, 'linear'), layer('Dropout', { rateQ8: 64 }), dense(3, 'softmax')],
  },
};
// The third branch of the sum is the second convolution.
(MODELS.residual!.layers[2] as { name?: string }).name = 'sum';

const recipeOf = (model: Model, more: object = {}) =>
  parseRecipe({ ...sgd({ batchSize: BATCH }), ...more }, model);

/** Larger weights than the first ones, so that gradients are not lost in noise; scales and offsets off their first values. */
function spread(state: TrainState, noise: () => number): TrainState {
  const weights = state.weights.map((tensor) =>
    tensor.map((value) => value + Math.round((noise() / 2 ** 31) * 2 ** 22)),
  );
  return { ...state, weights };
}

/** Cosine of the angle between two vectors, and the ratio of their lengths. */
function likeness(a: readonly number[], b: readonly number[]): { cosine: number; ratio: number } {
  const dot = a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const [u, v] = [a, b].map((c) => Math.sqrt(c.reduce((sum, x) => sum + x * x, 0))) as [number, number];
  return { cosine: dot / (u * v), ratio: u / v };
}

function setUp(name: string, more: object = {}) {
  const { input, layers } = MODELS[name]!;
  const model = parseModel({ format: 'fedai-model/1', numeric: 'bfp12@1', input, layers });
  const noise = createNoise(7);
  const state = spread(initialState(model, Uint8Array.of(3)), noise);
  const { inputs, labels } = sizedBatch(model, BATCH, noise);
  const tokens = layers[0] && (layers[0] as { class_name: string }).class_name === 'Embedding';
  const batch = { inputs: tokens ? inputs.map((byte) => byte % 32) : inputs, labels };
  return { model, recipe: recipeOf(model, more), state, batch };
}

describe('layers of the reference', () => {
  it.each(Object.keys(MODELS))('%s: loss and gradients are those of floats', (name) => {
    const { model, recipe, state, batch } = setUp(name);
    const pass = forward(model, state.weights, batch.inputs, BATCH, 5);
    const { loss, gradients } = backward(model, recipe, pass, batch);
    const floats = state.weights.map((tensor) => Float64Array.from(tensor, (value) => value / 2 ** 24));
    const oracle = floatLoss(model, floats, batch, 5);
    expect(Math.abs(loss / 65_536 - oracle)).toBeLessThan(0.01 * oracle + 0.02);
    const noise = createNoise(11);
    for (const [t, gradient] of gradients.entries()) {
      if (!gradient) continue;
      const size = model.tensors[t]!.size;
      const places = Array.from({ length: Math.min(size, 12) }, () => (noise() >>> 0) % size);
      const exact = places.map((i) => gradient.values[i]! * 2 ** gradient.exponent);
      const step = 2 ** -14;
      const differences = places.map((i) => {
        const value = floats[t]![i]!;
        floats[t]![i] = value + step;
        const above = floatLoss(model, floats, batch, 5);
        floats[t]![i] = value - step;
        const below = floatLoss(model, floats, batch, 5);
        floats[t]![i] = value;
        return (above - below) / (2 * step);
      });
      const { cosine, ratio } = likeness(exact, differences);
      if (Math.max(...differences.map(Math.abs)) < 1e-3) continue;
      expect(cosine, model.tensors[t]!.name).toBeGreaterThan(0.98);
      expect(Math.abs(ratio - 1), model.tensors[t]!.name).toBeLessThan(0.1);
    }
  });
});

describe('an engine', () => {
  it.each(['residual', 'batch norm', 'attention'])(
    'gives the same bits for %s, whatever its kernel',
    async (name) => {
      const { model, recipe, state, batch } = setUp(name);
      const ends = [];
      for (const kernel of ['auto', 'reference'] as const) {
        const engine = await createEngine({ kernel });
        const trainer = engine.trainer(model, recipe, state);
        const losses = [trainer.step(batch), trainer.step(batch)];
        const { logitsQ16 } = engine.predict(model, trainer.export().weights, batch.inputs, BATCH);
        ends.push({ losses, state: trainer.export(), logitsQ16 });
      }
      expect(ends[0]).toEqual(ends[1]);
    },
  );
});
