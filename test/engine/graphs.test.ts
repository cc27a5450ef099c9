/** Documents beyond plain chains: the fast kernels give the reference's bits on random graphs, recipes, states and batches. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Kernel, momentsOf, numericFormats, parseModel, parseRecipe } from '../../engine/index.ts';
import { referenceKernel } from '../../engine/reference/kernel.ts';
import { initialState } from '../../engine/state/state.ts';
import { loadWasmKernel } from '../../engine/wasm/kernel.ts';
import { anyDocument, layer, OPTIMIZERS, stateOf } from './graphs.support.ts';
import { createNoise, dense, sizedBatch } from './support.ts';

const plain = await loadWasmKernel({ relaxed: false });
const relaxed = await loadWasmKernel();
const threaded = await loadWasmKernel({ threads: 2 });

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
