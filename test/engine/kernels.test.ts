import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createEngine,
  type Kernel,
  type ModelDocument,
  numericFormats,
  parseModel,
  parseRecipe,
} from '../../engine/index.ts';
import { referenceKernel } from '../../engine/reference/kernel.ts';
import { loadWasmKernel } from '../../engine/wasm/kernel.ts';
import { conv, createNoise, dense, flatten, pool, relu, sgd, sizedBatch, smallModels } from './support.ts';

const wasm = await loadWasmKernel({ relaxed: false });
const relaxed = await loadWasmKernel();
const threaded = await loadWasmKernel({ threads: 3 });

const size = fc.integer({ min: 1, max: 3 });
const anyConv = fc
  .record({
    filters: fc.integer({ min: 1, max: 9 }),
    kh: size,
    kw: size,
    sh: size,
    sw: size,
    same: fc.boolean(),
    relu: fc.boolean(),
    bias: fc.boolean(),
  })
  .map((c) =>
    conv(
      c.filters,
      [c.kh, c.kw],
      c.same ? 'same' : 'valid',
      c.relu ? 'relu' : 'linear',
      [c.sh, c.sw],
      c.bias,
    ),
  );

/** Models of up to two convolutions, a pool and two dense layers; some do not fit their input and are skipped. */
const anyModel: fc.Arbitrary<ModelDocument> = fc
  .record({
    input: fc.tuple(
      fc.integer({ min: 3, max: 12 }),
      fc.integer({ min: 3, max: 12 }),
      fc.integer({ min: 1, max: 9 }),
    ),
    convs: fc.array(anyConv, { maxLength: 2 }),
    pooled: fc.option(fc.tuple(size, size), { nil: undefined }),
    lone: fc.boolean(),
    hidden: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    classes: fc.integer({ min: 2, max: 12 }),
    numeric: fc.constantFrom(...numericFormats),
  })
  .map(({ input, convs, pooled, lone, hidden, classes, numeric }) => ({
    format: 'fedai-model/1',
    numeric,
    input: [...input],
    layers: [
      ...convs,
      ...(lone ? [relu] : []),
      ...(pooled ? [pool(...pooled)] : []),
      flatten,
      ...(hidden ? [dense(hidden, 'relu')] : []),
      dense(classes, 'softmax'),
    ],
  }));

function tryParse(document: ModelDocument) {
  try {
    return parseModel(document);
  } catch {
    return undefined;
  }
}

/** Values of very different magnitude, both ends of int32 among them. */
const spread = (noise: () => number): number => {
  const kind = noise() & 15;
  return kind === 0 ? 2147483647 : kind === 1 ? -2147483647 : noise() >> (noise() & 31);
};

describe.each([
  ['plain', wasm],
  ['relaxed', relaxed],
  ['three threads', threaded],
] as const)('wasm kernel, %s', (_, wasm) => {
  it('gives the reference bits on random models, states and batches', async () => {
    const engine = await createEngine({ kernel: 'reference' });
    fc.assert(
      fc.property(anyModel, fc.integer(), fc.boolean(), fc.nat(5), (document, seed, wild, momentumShift) => {
        const model = tryParse(document);
        fc.pre(model !== undefined && model.parameters < 20_000);
        const noise = createNoise(seed);
        const recipe = parseRecipe(
          sgd({ momentumShift, shifts: [3, 6], boundaries: [1], batchSize: 1 << (noise() & 3) }),
          model,
        );
        const first = engine.initialState(model, Uint8Array.of(seed & 255));
        const fill = (tensors: readonly Int32Array[]) =>
          tensors.map((tensor) => tensor.map(() => spread(noise)));
        const state = wild
          ? { counter: 0, weights: fill(first.weights), velocity: fill(first.velocity) }
          : first;
        const [a, b] = [wasm.trainer(model, recipe, state), referenceKernel.trainer(model, recipe, state)];
        for (let i = 0; i < 2; i++) {
          const batch = sizedBatch(model, recipe.batchSize, noise);
          expect(a.step(batch)).toBe(b.step(batch));
          expect(a.export()).toEqual(b.export());
        }
        const { inputs } = sizedBatch(model, 3, noise);
        const { weights } = a.export();
        expect(wasm.predict(model, weights, inputs, 3)).toEqual(
          referenceKernel.predict(model, weights, inputs, 3),
        );
      }),
      { numRuns: 40, seed: 12 },
    );
  });

  it('folds convolutions of more than 512 terms and many positions', () => {
    const model = parseModel({
      format: 'fedai-model/1',
      numeric: 'bfp12@1',
      input: [24, 24, 3],
      layers: [
        conv(61, [3, 3], 'same', 'relu'),
        conv(3, [3, 3], 'same', 'relu', [2, 2]),
        pool(4, 4),
        flatten,
        dense(2, 'softmax'),
      ],
    });
    const recipe = parseRecipe(sgd({ batchSize: 2 }), model);
    const noise = createNoise(5);
    const weights = model.tensors.map(({ size: n }) =>
      Int32Array.from({ length: n }, () => 2147483647 - (noise() & 3)),
    );
    const state = { counter: 0, weights, velocity: weights.map((t) => new Int32Array(t.length)) };
    const batch = { inputs: new Uint8Array(2 * model.inputSize).fill(255), labels: Uint8Array.of(0, 1) };
    const [a, b] = [wasm.trainer(model, recipe, state), referenceKernel.trainer(model, recipe, state)];
    expect(a.step(batch)).toBe(b.step(batch));
    expect(a.export()).toEqual(b.export());
  });
});

describe.each([referenceKernel, wasm])('$name kernel', (kernel) => {
  const model = parseModel(smallModels['conv-pool']);
  const recipe = parseRecipe(sgd({}), model);

  it('predicts each sample by itself', async () => {
    const { weights } = (await createEngine({ kernel: 'reference' })).initialState(model, Uint8Array.of(1));
    const { inputs } = sizedBatch(model, 5, createNoise(3));
    const together = kernel.predict(model, weights, inputs, 5);
    for (let row = 0; row < 5; row++) {
      const alone = kernel.predict(
        model,
        weights,
        inputs.subarray(row * model.inputSize, (row + 1) * model.inputSize),
        1,
      );
      expect(alone.logitsQ16).toEqual(together.logitsQ16.subarray(row * 3, row * 3 + 3));
      expect(alone.classes[0]).toBe(together.classes[row]);
    }
  });

  it('refuses batches that do not fit and leaves its state alone', async () => {
    const start = (await createEngine({ kernel: 'reference' })).initialState(model, Uint8Array.of(1));
    const trainer = kernel.trainer(model, recipe, start);
    const good = sizedBatch(model, 4, createNoise(1));
    expect(() => trainer.step({ ...good, inputs: good.inputs.subarray(1) })).toThrow('wrong size');
    expect(() => trainer.step({ ...good, labels: Uint8Array.of(0, 1, 2, 3) })).toThrow('not a class');
    expect(trainer.export()).toEqual(start);
    expect(() => kernel.predict(model, start.weights, good.inputs, 3)).toThrow('wrong size');
  });

  it('continues from an exported state as if it had never stopped', async () => {
    const start = (await createEngine({ kernel: 'reference' })).initialState(model, Uint8Array.of(2));
    const noise = createNoise(9);
    const batches = Array.from({ length: 4 }, () => sizedBatch(model, 4, noise));
    const whole = kernel.trainer(model, recipe, start);
    const first = kernel.trainer(model, recipe, start);
    for (const batch of batches) whole.step(batch);
    for (const batch of batches.slice(0, 2)) first.step(batch);
    const second = kernel.trainer(model, recipe, start);
    second.load(first.export());
    for (const batch of batches.slice(2)) second.step(batch);
    expect(second.export()).toEqual(whole.export());
  });
});

describe('admission', () => {
  const off: Kernel = {
    ...wasm,
    predict(model, weights, inputs, count) {
      const out = wasm.predict(model, weights, inputs, count);
      out.logitsQ16[0]! += 1;
      return out;
    },
  };

  it('admits the wasm kernel', async () => {
    const engine = await createEngine();
    expect(engine.fallbackReason).toBeUndefined();
    expect(engine.kernel).toBe('wasm');
  });

  it('falls back with a reason when one bit differs, or when the kernel cannot be loaded', async () => {
    const refused = await createEngine({ load: async () => off });
    expect(refused).toMatchObject({
      kernel: 'reference',
      fallbackReason: expect.stringContaining('differs'),
    });
    const absent = await createEngine({ load: () => Promise.reject(new TypeError('no SIMD')) });
    expect(absent).toMatchObject({ kernel: 'reference', fallbackReason: expect.stringContaining('no SIMD') });
    await expect(createEngine({ kernel: 'wasm', load: async () => off })).rejects.toMatchObject({
      code: 'KERNEL_REFUSED',
    });
  });
});
