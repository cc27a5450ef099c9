/** The TensorFlow.js engine: it learns, goes on from checkpoints as if it had not stopped, and refuses what would not end well. */
import { afterAll, describe, expect, it, vi } from 'vitest';
import {
  checkBackends,
  encodeFloats,
  floatBytes,
  isFloatRecipe,
  parseFloatRecipe,
  parseTopology,
  type TfjsSession,
} from '../../engine/tfjs/index.ts';
import { type Core, load, type Tensor, type Variable } from '../../engine/tfjs/library.ts';
import { adamRecipe, lstmModel, VOCABULARY, WINDOW } from '../support/lstm.ts';
import { counting, disposeSessions, flat, head, image, open, sequential, sgd } from '../support/tfjs.ts';
import { toyRecipe } from '../support/toy.ts';

/** Recurrent layers take their time where others work, too. */
vi.setConfig({ testTimeout: 180_000 });
afterAll(disposeSessions);

async function losses(session: TfjsSession, count: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push(await session.step(counting(session.counter)));
  return all;
}

describe('a recurrent model', () => {
  it('learns, and goes on from a checkpoint with the same losses, dropout included', async () => {
    const session = await open(lstmModel, adamRecipe);
    expect(session).toMatchObject({ inputShape: [WINDOW], classes: VOCABULARY, counter: 0 });
    const [first] = await losses(session, 30);
    expect(first).toBeCloseTo(Math.log(VOCABULARY), 1);
    const saved = await session.save('wasm');
    const rest = await losses(session, 4);
    expect(rest[3]).toBeLessThan(first! / 2);
    const { inputs, labels } = counting(3);
    const classes = await session.classify(inputs, 8);
    expect(labels.filter((label, i) => classes![i] === label).length).toBeGreaterThan(5);

    const again = await open(lstmModel, adamRecipe);
    expect(again.restore(saved)).toEqual({ counter: 30, backend: 'wasm' });
    expect(await losses(again, 4)).toEqual(rest);
    expect(() => again.restore(saved.subarray(0, 400))).toThrow(/BAD_CHECKPOINT|cannot be read/);
  });

  it('leaves weights that TensorFlow.js loads by itself', async () => {
    const session = await open(lstmModel, adamRecipe);
    await losses(session, 3);
    const weights = await session.weights();
    const layers = load<{
      loadLayersModel(handler: unknown): Promise<{ predict(x: Tensor): Tensor }>;
    }>('@tensorflow/tfjs-layers');
    const core = load<Core>('@tensorflow/tfjs-core');
    const model = await layers.loadLayersModel({
      load: async () => ({
        modelTopology: parseTopology(lstmModel).plain,
        weightSpecs: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
        weightData: floatBytes(weights).buffer,
      }),
    });
    const { inputs } = counting(0);
    const scores = await model.predict(core.tensor(Float32Array.from(inputs), [8, WINDOW])).data();
    const classes = Array.from({ length: 8 }, (_, i) => {
      const at = ((i + 1) * WINDOW - 1) * VOCABULARY;
      const own = [...scores.subarray(at, at + VOCABULARY)];
      return own.indexOf(Math.max(...own));
    });
    expect([...(await session.classify(inputs, 8))!]).toEqual(classes);

    const other = await open(lstmModel, { ...adamRecipe, loss: 'sparse_categorical_crossentropy' });
    other.start(encodeFloats({}, weights));
    expect(await other.weights()).toEqual(weights);
  });
});

describe('gradients on WebAssembly', () => {
  const models: [string, unknown][] = [
    [
      'an embedding',
      sequential(
        { class_name: 'Embedding', config: { input_dim: 256, output_dim: 3, batch_input_shape: [null, 5] } },
        flat,
        head,
      ),
    ],
    [
      'convolutions with strides and edges',
      sequential(
        {
          class_name: 'Conv2D',
          config: { ...image, filters: 3, kernel_size: [3, 2], strides: [2, 1], padding: 'same' },
        },
        { class_name: 'Conv2D', config: { filters: 2, kernel_size: [2, 2], activation: 'tanh' } },
        flat,
        head,
      ),
    ],
    [
      'depthwise convolutions with strides and edges',
      sequential(
        {
          class_name: 'DepthwiseConv2D',
          config: { ...image, kernel_size: [3, 3], depth_multiplier: 2, padding: 'same' },
        },
        { class_name: 'DepthwiseConv2D', config: { kernel_size: [2, 2], strides: [2, 2], padding: 'same' } },
        { class_name: 'DepthwiseConv2D', config: { kernel_size: [2, 2], strides: [3, 3] } },
        flat,
        head,
      ),
    ],
    [
      'separable convolutions',
      sequential(
        { class_name: 'Conv2D', config: { ...image, filters: 2, kernel_size: [1, 1] } },
        {
          class_name: 'SeparableConv2D',
          config: { filters: 3, kernel_size: [3, 3], padding: 'same' },
        },
        { class_name: 'GlobalAveragePooling2D', config: {} },
        head,
      ),
    ],
  ];
  it.each(models)('of %s are those of the plain backend', async (_, model) => {
    const curves: number[][] = [];
    for (const backend of ['wasm', 'cpu'] as const) {
      const session = await open(model, sgd, backend);
      const inputs = Uint8Array.from(
        { length: 3 * session.inputSize },
        (_, i) => (i * 37 + 11 * (i >> 3)) % 256,
      );
      const curve: number[] = [];
      for (let i = 0; i < 3; i++) curve.push(await session.step({ inputs, labels: Uint8Array.of(0, 1, 2) }));
      curves.push(curve);
    }
    const [own, plain] = curves as [number[], number[]];
    expect(own[2]).not.toBe(own[0]);
    for (const [i, loss] of own.entries()) expect(loss).toBeCloseTo(plain[i]!, 4);
  });
});

describe('optimisers', () => {
  type Stock = { minimize(loss: () => Tensor, cost: boolean, of: Variable[]): void };
  const stock = load<Core & { train: Record<string, (...numbers: number[]) => Stock> }>(
    '@tensorflow/tfjs-core',
  );
  const cases: [string, unknown, () => Stock][] = [
    ['SGD', { learning_rate: 0.1 }, () => stock.train.sgd!(0.1)],
    ['SGD', { learning_rate: 0.1, momentum: 0.9 }, () => stock.train.momentum!(0.1, 0.9)],
    ['Adam', { learning_rate: 0.05 }, () => stock.train.adam!(0.05, 0.9, 0.999, 1e-7)],
  ];
  it.each(cases)('%s %j is that of TensorFlow.js', async (class_name, config, create) => {
    const recipe = {
      loss: 'mean_squared_error',
      optimizer: { class_name, config },
      batchSize: 2,
    };
    const model = sequential({ class_name: 'Dense', config: { units: 1, batch_input_shape: [null, 2] } });
    const session = await open(model, recipe);
    const [kernel] = await session.weights();
    const weight = stock.variable(stock.tensor(kernel!.values, [2, 1]));
    const bias = stock.variable(stock.zeros([1]));
    const inputs = Uint8Array.of(64, 128, 192, 32);
    const x = stock.tensor(
      Float32Array.from(inputs, (byte) => byte / 256),
      [2, 2, 1],
    );
    const y = stock.tensor(Float32Array.of(100 / 256, 200 / 256), [2, 1]);
    const optimiser = create();
    for (let i = 0; i < 5; i++) {
      await session.step({ inputs, labels: Uint8Array.of(100, 200) });
      optimiser.minimize(
        () => stock.mean(stock.square(stock.sub(stock.add(stock.sum(stock.mul(x, weight), 1), bias), y))),
        false,
        [weight, bias],
      );
    }
    const expected = await weight.data();
    const [trained] = await session.weights();
    for (const [i, value] of trained!.values.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  });

  it('takes recipes of both engines', () => {
    expect(isFloatRecipe(adamRecipe)).toBe(true);
    expect(isFloatRecipe(toyRecipe)).toBe(false);
    const exact = parseFloatRecipe({
      ...toyRecipe,
      optimizer: {
        class_name: 'SGD',
        config: { momentumShift: 3, learningRateShifts: [4, 6], boundaries: [10] },
      },
    });
    expect([9, 10].map(exact.learningRate)).toEqual([1 / 16, 1 / 64]);
    expect(exact.optimizer).toMatchObject({ kind: 'sgd', momentum: 0.875 });
    const schedule = { warmupSteps: 2, decay: 'linear', decaySteps: 4, floor: 0.1 };
    const { learningRate } = parseFloatRecipe({
      ...adamRecipe,
      optimizer: { class_name: 'AdamW', config: { learning_rate: 0.5, weight_decay: 0.01, schedule } },
    });
    const rates = [0, 1, 2, 4, 6, 99].map((step) => learningRate(step).toFixed(6));
    expect(rates.map(Number)).toEqual([0.25, 0.5, 0.5, 0.3, 0.1, 0.1]);
    expect(() => parseFloatRecipe({ ...adamRecipe, batchSize: 0 })).toThrow(/batchSize/);
  });
});

it('says which backends there are, and what is to be done for one that is not', async () => {
  const reports = await checkBackends();
  expect(reports.map(({ backend }) => backend)).toEqual([
    'tensorflow-gpu',
    'tensorflow',
    'webgpu',
    'wasm',
    'cpu',
  ]);
  expect(reports.filter(({ available }) => available).map(({ backend }) => backend)).toEqual(
    expect.arrayContaining(['wasm', 'cpu']),
  );
  for (const { available, refusedBecause } of reports) expect(refusedBecause === undefined).toBe(available);
  if (reports[1]!.available) return;
  await expect(open(lstmModel, adamRecipe, 'tensorflow')).rejects.toMatchObject({
    code: 'NO_TFJS',
    message: expect.stringContaining('@tensorflow/tfjs-node is not installed'),
    remedy: expect.stringContaining('npm install'),
  });
});

it('draws nothing of what a step does from elsewhere', async () => {
  const before = Math.random;
  const session = await open(lstmModel, adamRecipe);
  await losses(session, 1);
  expect(Math.random).toBe(before);
});
