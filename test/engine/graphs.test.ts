/** Documents beyond plain chains: the fast kernels give the reference's bits on random graphs, recipes, states and batches. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Kernel,
  type ModelDocument,
  momentsOf,
  numericFormats,
  parseModel,
  parseRecipe,
  type TrainState,
} from '../../engine/index.ts';
import { referenceKernel } from '../../engine/reference/kernel.ts';
import { initialState } from '../../engine/state/state.ts';
import { loadWasmKernel } from '../../engine/wasm/kernel.ts';
import { conv, createNoise, dense, flatten, pool, relu, sizedBatch } from './support.ts';

const plain = await loadWasmKernel({ relaxed: false });
const relaxed = await loadWasmKernel();
const threaded = await loadWasmKernel({ threads: 2 });

type Layers = ModelDocument['layers'];
const layer = (class_name: string, config?: object, more: object = {}): Layers[number] =>
  ({ class_name, ...(config && { config }), ...more }) as Layers[number];

/** One layer that keeps an image's or a vector's shape. */
const keeping = fc.constantFrom<Layers[number][]>(
  [layer('BatchNormalization', {})],
  [layer('LayerNormalization', { epsilonShift: 9 })],
  [layer('GELU')],
  [layer('Dropout', { rateQ8: 77 })],
  [relu],
  [layer('BatchNormalization', { epsilonShift: 3, momentumShift: 2 }), relu],
);

const side = fc.integer({ min: 5, max: 9 });
const anyImage = fc
  .record({
    input: fc.tuple(side, side, fc.integer({ min: 1, max: 5 })),
    filters: fc.integer({ min: 1, max: 11 }),
    stride: fc.integer({ min: 1, max: 2 }),
    rectified: fc.boolean(),
    before: keeping,
    between: keeping,
    after: keeping,
    pooled: fc.constantFrom('none', 'max', 'average', 'global'),
    projected: fc.boolean(),
    classes: fc.integer({ min: 2, max: 9 }),
  })
  .map(({ input, filters, stride, rectified, before, between, after, pooled, projected, classes }) => {
    const named = (one: Layers[number], name: string, from?: string[]): Layers[number] => ({
      ...one,
      name,
      ...(from && { from }),
    });
    const activation = rectified ? 'relu' : 'linear';
    const body: Layers = [
      named(conv(filters, [3, 3], 'same', activation, [stride, stride]), 'stem'),
      ...before,
      conv(filters, [3, 2], 'same', activation),
      ...between,
      named(conv(filters, [1, 3], 'same', activation, undefined, false), 'branch'),
      ...(projected
        ? [named(conv(filters, [1, 1], 'same', activation), 'projected', ['stem'])]
        : [named(relu, 'projected', ['stem'])]),
      layer('Add', undefined, { name: 'sum', from: ['branch', 'projected', 'stem'] }),
      ...after,
    ];
    const rest: Record<string, Layers> = {
      none: [flatten],
      max: [pool(2, 2), flatten],
      average: [layer('AveragePooling2D', { pool_size: [2, 3] }), flatten],
      global: [layer('GlobalAveragePooling2D')],
    };
    return { input: [...input], layers: [...body, ...rest[pooled]!, dense(classes, 'softmax')] };
  });

const anySequence = fc
  .record({
    length: fc.constantFrom(2, 4, 8, 16),
    heads: fc.integer({ min: 1, max: 3 }),
    width: fc.integer({ min: 1, max: 9 }),
    causal: fc.boolean(),
    norm: fc.boolean(),
    dropped: fc.boolean(),
    vocabulary: fc.integer({ min: 2, max: 37 }),
  })
  .map(({ length, heads, width, causal, norm, dropped, vocabulary }) => {
    const channels = heads * width;
    const normed = norm ? [layer('LayerNormalization', {})] : [];
    const layers: Layers = [
      layer('Embedding', { input_dim: vocabulary, output_dim: channels }),
      layer('PositionEmbedding', undefined, { name: 'in' }),
      ...normed,
      dense(3 * channels, 'linear'),
      layer('Attention', { num_heads: heads, causal }),
      ...(dropped ? [layer('Dropout', { rateQ8: 30 })] : []),
      { ...dense(channels, 'linear'), name: 'mixed' },
      layer('Add', undefined, { name: 'middle', from: ['in', 'mixed'] }),
      ...normed,
      dense(2 * channels, norm ? 'linear' : 'relu'),
      layer('GELU'),
      { ...dense(channels, 'linear'), name: 'out' },
      layer('Add', undefined, { from: ['middle', 'out'] }),
      ...normed,
      dense(vocabulary, 'softmax'),
    ];
    return { input: [length], layers };
  });

const schedule = { peakQ24: 60_000, warmupSteps: 1, decay: 'cosine', decaySteps: 9, floorQ24: 100 };
const OPTIMIZERS = [
  { class_name: 'SGD', config: { momentumShift: 3, learningRateShifts: [5], boundaries: [] } },
  { class_name: 'SGDW', config: { momentumShift: 2, weightDecayQ24: 170_000, schedule } },
  {
    class_name: 'AdamW',
    config: { beta1Shift: 3, beta2Shift: 7, epsilonQ34: 171, weightDecayQ24: 170_000, schedule },
  },
];

/** As drawn, or magnitudes of every kind up to both ends of int32. */
function stateOf(start: TrainState, wild: boolean, moments: number, noise: () => number): TrainState {
  if (!wild) return start;
  const spread = (): number => {
    const kind = noise() & 15;
    return kind === 0 ? 2147483647 : kind === 1 ? -2147483647 : noise() >> (noise() & 31);
  };
  const second = start.velocity.length - start.weights.length;
  return {
    counter: 5,
    weights: start.weights.map((tensor) => tensor.map(spread)),
    velocity: start.velocity.map((tensor, t) =>
      tensor.map(() => (moments === 2 && t >= second ? Math.abs(spread()) : spread())),
    ),
  };
}

const anyDocument = fc.oneof(anyImage, anySequence);

describe.each([
  ['plain', plain],
  ['relaxed', relaxed],
  ['two threads', threaded],
] as [string, Kernel][])('graphs, %s', (_, kernel) => {
  it('gives the reference bits', () => {
    fc.assert(
      fc.property(
        anyDocument,
        fc.constantFrom(...numericFormats),
        fc.nat(2),
        fc.option(fc.constantFrom(1, 3000, 90_000)),
        fc.integer(),
        fc.boolean(),
        (document, numeric, optimizer, clipNormQ16, seed, wild) => {
          const model = parseModel({ format: 'fedai-model/1', numeric, ...document });
          const noise = createNoise(seed);
          const recipe = parseRecipe(
            {
              loss: 'sparse_categorical_crossentropy',
              optimizer: OPTIMIZERS[optimizer],
              ...(clipNormQ16 !== null && { clipNormQ16 }),
              batchSize: 1 << (noise() & 3),
            },
            model,
          );
          const moments = momentsOf(recipe);
          const state = stateOf(
            initialState(model, Uint8Array.of(seed & 255), moments),
            wild,
            moments,
            noise,
          );
          const expected = referenceKernel.trainer(model, recipe, state);
          const actual = kernel.trainer(model, recipe, state);
          for (let step = 0; step < 2; step++) {
            const { inputs, labels } = sizedBatch(model, recipe.batchSize, noise);
            const tokens = model.positions > 1 ? inputs.map((byte) => byte % model.classes) : inputs;
            const batch = { inputs: tokens, labels };
            expect(actual.step(batch)).toBe(expected.step(batch));
            expect(actual.export()).toEqual(expected.export());
            const { weights } = actual.export();
            const predictions = [kernel, referenceKernel].map((one) =>
              one.predict(model, weights, tokens, recipe.batchSize),
            );
            expect(predictions[0]).toEqual(predictions[1]);
          }
        },
      ),
      { numRuns: Number(process.env.GRAPH_RUNS ?? 25) },
    );
  });

  it('gives the reference bits for mean squared error', () => {
    const model = parseModel({
      format: 'fedai-model/1',
      numeric: 'bfp8@1',
      input: [9],
      layers: [dense(5, 'relu'), layer('GELU'), dense(9, 'linear')],
    });
    const recipe = parseRecipe(
      { loss: 'mean_squared_error', target: 'input', optimizer: OPTIMIZERS[2], batchSize: 8 },
      model,
    );
    const start = initialState(model, Uint8Array.of(1), 2);
    const [expected, actual] = [referenceKernel, kernel].map((one) => one.trainer(model, recipe, start));
    const batch = sizedBatch(model, 8, createNoise(3));
    for (let step = 0; step < 3; step++) expect(actual!.step(batch)).toBe(expected!.step(batch));
    expect(actual!.export()).toEqual(expected!.export());
  });
});
