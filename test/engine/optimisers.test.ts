/** Optimisers, schedules, clipping and squared error against floats; roots and tables against their definitions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COSINE_FALL_Q24, GELU_SLOPE_Q16, NORMAL_CDF_Q16 } from '../../engine/arithmetic/layers.tables.ts';
import { integerRoot, reciprocalRoot } from '../../engine/arithmetic/roots.ts';
import { decayedQ30, rootOf, scheduledRate } from '../../engine/arithmetic/schedule.ts';
import {
  createEngine,
  decodeState,
  encodeState,
  type Model,
  momentsOf,
  parseModel,
  parseRecipe,
} from '../../engine/index.ts';
import { clipGradients } from '../../engine/reference/clip.ts';
import { createUpdate, renewedRoot } from '../../engine/reference/optimiser.ts';
import { floatOutputs } from './float.ts';
import { createNoise, dense, sgd, sizedBatch } from './support.ts';

const schedule = {
  peakQ24: 2 ** 14,
  warmupSteps: 10,
  decay: 'cosine',
  decaySteps: 100,
  floorQ24: 2 ** 10,
} as const;
const small = (units: number, activation: 'softmax' | 'linear', layers: object[] = []): Model =>
  parseModel({
    format: 'fedai-model/1',
    numeric: 'bfp12@1',
    input: [6],
    layers: [...layers, dense(units, activation)],
  });
const adamw = (more: object = {}, rates: object = schedule) => ({
  ...sgd({}),
  optimizer: {
    class_name: 'AdamW',
    config: { beta1Shift: 3, beta2Shift: 7, epsilonQ34: 172, weightDecayQ24: 2 ** 17, schedule: rates },
  },
  ...more,
});

describe('schedules', () => {
  it('rise in equal strides and fall as floats do', () => {
    const { peakQ24: peak, floorQ24: floor } = schedule;
    for (let step = 0; step < 130; step++) {
      const done = Math.min(1, Math.max(0, (step - 10) / 100));
      const expected =
        step < 10 ? (peak * (step + 1)) / 10 : floor + ((peak - floor) * (1 + Math.cos(Math.PI * done))) / 2;
      expect(Math.abs(scheduledRate(schedule, step) - expected)).toBeLessThan(2);
    }
    const linear = { ...schedule, decay: 'linear' as const };
    expect(scheduledRate(linear, 60)).toBe(floor + (peak - floor) / 2);
    expect(scheduledRate({ ...linear, decay: 'constant' }, 9e15)).toBe(peak);
  });

  it('correct the bias of moments', () => {
    for (const steps of [1, 2, 7, 100, 5000])
      expect(Number(decayedQ30(7, steps)) / 2 ** 30).toBeCloseTo(1 - (1 - 2 ** -7) ** steps, 6);
  });
});

describe('optimisers', () => {
  it('AdamW moves as it does in floats', () => {
    const recipe = parseRecipe(adamw(), small(3, 'softmax'));
    const noise = createNoise(5);
    const weight = Int32Array.of(2 ** 23, -(2 ** 22), 2 ** 20);
    const moments = [new Int32Array(3), new Int32Array(3)];
    const [w, m, v] = [Array.from(weight, (x) => x / 2 ** 24), [0, 0, 0], [0, 0, 0]];
    for (let step = 0; step < 200; step++) {
      const gradient = Int32Array.from([20, 8, 2], (scale) => (noise() % 4096) * scale + 4096 * scale);
      createUpdate(recipe, step, 4)(weight, moments, { values: gradient, exponent: -22 }, true);
      const rate = scheduledRate(schedule, step) / 2 ** 24;
      for (let i = 0; i < 3; i++) {
        const g = gradient[i]! / 2 ** 24;
        m[i] = m[i]! + (g - m[i]!) / 8;
        v[i] = v[i]! + (g * g - v[i]!) / 128;
        const [first, second] = [
          m[i]! / (1 - (7 / 8) ** (step + 1)),
          v[i]! / (1 - (127 / 128) ** (step + 1)),
        ];
        w[i] = w[i]! - (rate * first) / (Math.sqrt(second) + 1e-8) - rate * 2 ** -7 * w[i]!;
      }
    }
    for (let i = 0; i < 3; i++) expect(weight[i]! / 2 ** 24).toBeCloseTo(w[i]!, 4);
  });

  it('SGDW scales by the schedule and decays what has more than one dimension', () => {
    const config = {
      momentumShift: 0,
      weightDecayQ24: 2 ** 22,
      schedule: { ...schedule, warmupSteps: 0, decay: 'constant' },
    };
    const recipe = parseRecipe(
      { ...sgd({}), optimizer: { class_name: 'SGDW', config } },
      small(3, 'softmax'),
    );
    const [decaying, staying] = [Int32Array.of(2 ** 28), Int32Array.of(2 ** 28)];
    createUpdate(recipe, 0, 4)(
      decaying,
      [new Int32Array(1)],
      { values: Int32Array.of(2 ** 20), exponent: -24 },
      true,
    );
    createUpdate(recipe, 0, 4)(
      staying,
      [new Int32Array(1)],
      { values: Int32Array.of(2 ** 20), exponent: -24 },
      false,
    );
    expect(staying[0]).toBe(2 ** 28 - 2 ** 8);
    expect(decaying[0]).toBe(2 ** 28 - 2 ** 8 - 2 ** 16);
  });

  it('AdamW and clipping learn, and its state survives its bytes', async () => {
    const model = small(2, 'softmax', [dense(8, 'relu')]);
    const recipe = parseRecipe(
      adamw({ clipNormQ16: 65_536, batchSize: 16 }, { ...schedule, peakQ24: 2 ** 18, decay: 'constant' }),
      model,
    );
    const engine = await createEngine({ kernel: 'auto' });
    const noise = createNoise(3);
    const batch = sizedBatch(model, 16, noise);
    batch.labels.forEach((_, i) => {
      batch.labels[i] = batch.inputs[6 * i]! > 127 ? 1 : 0;
    });
    const trainer = engine.trainer(
      model,
      recipe,
      engine.initialState(model, Uint8Array.of(1), momentsOf(recipe)),
    );
    const first = trainer.step(batch);
    for (let i = 0; i < 150; i++) trainer.step(batch);
    expect(trainer.step(batch)).toBeLessThan(first / 2);
    const state = trainer.export();
    expect(decodeState(model, encodeState(state), 2)).toEqual(state);
    expect(() => decodeState(model, encodeState(state))).toThrow('length');
    expect(() => trainer.load(engine.initialState(model, Uint8Array.of(1)))).toThrow('do not belong');
  });

  it('clipping leaves small gradients and brings large ones to the limit', () => {
    const gradients = [
      { values: Int32Array.of(3000, 0), exponent: -10 },
      undefined,
      { values: Int32Array.of(4000), exponent: -10 },
    ];
    expect(clipGradients(gradients, 5 * 65_536, 1)).toBe(gradients);
    const [a, , b] = clipGradients(gradients, 65_536, 1);
    const norm = Math.hypot(a!.values[0]!, b!.values[0]!) / 1024;
    expect(norm).toBeGreaterThan(0.995);
    expect(norm).toBeLessThan(1.005);
  });
});

describe('mean squared error', () => {
  it.each([
    ['label', 1],
    ['one_hot', 5],
    ['input', 6],
  ] as const)('of %s falls to that of floats', async (target, units) => {
    const model = small(units, 'linear');
    const recipe = parseRecipe({ ...sgd({ batchSize: 8 }), loss: 'mean_squared_error', target }, model);
    const engine = await createEngine();
    const { inputs, labels } = sizedBatch(model, 8, createNoise(9));
    const batch = { inputs, labels: target === 'one_hot' ? labels.map((label) => label % 5) : labels };
    const state = engine.initialState(model, Uint8Array.of(1));
    const trainer = engine.trainer(model, recipe, state);
    const loss = trainer.step(batch) / 65_536;
    const floats = state.weights.map((tensor) => Float64Array.from(tensor, (value) => value / 2 ** 24));
    const outputs = floatOutputs(model, floats, batch, 0);
    const wanted = Array.from(outputs, (_, i) => {
      if (target === 'input') return batch.inputs[i]! / 256;
      const label = batch.labels[Math.floor(i / units)]!;
      return target === 'label' ? label / 256 : i % units === label ? 1 : 0;
    });
    const expected = wanted.reduce((sum, t, i) => sum + (outputs[i]! - t) ** 2, 0) / outputs.length;
    expect(loss).toBeCloseTo(expected, 2);
    for (let i = 0; i < 60; i++) trainer.step(batch);
    expect(trainer.step(batch) / 65_536).toBeLessThan(loss);
  });
});

describe('batch normalisation', () => {
  it('predicts by moving statistics that come to those of the data', async () => {
    const layers = [dense(4, 'linear'), { class_name: 'BatchNormalization', config: { momentumShift: 1 } }];
    const model = small(3, 'softmax', layers);
    const recipe = parseRecipe(sgd({ batchSize: 16, shifts: [20] }), model);
    const engine = await createEngine();
    const trainer = engine.trainer(model, recipe, engine.initialState(model, Uint8Array.of(1)));
    const batch = sizedBatch(model, 16, createNoise(21));
    for (let i = 0; i < 30; i++) trainer.step(batch);
    const { weights } = trainer.export();
    const floats = weights.map((tensor) => Float64Array.from(tensor, (value) => value / 2 ** 24));
    const expected = floatOutputs(model, floats, batch, 30);
    const { logitsQ16 } = engine.predict(model, weights, batch.inputs, 16);
    expected.forEach((value, i) => {
      expect(Math.abs(logitsQ16[i]! / 65_536 - value)).toBeLessThan(0.02);
    });
  });
});

describe('integer roots', () => {
  it('are floors, for any number', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 53n - 1n), (x) => {
        const root = BigInt(integerRoot(Number(x)));
        expect(root * root <= x && (root + 1n) * (root + 1n) > x).toBe(true);
        expect(rootOf(x)).toBe(root);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (w) => {
        const { scale, shift } = reciprocalRoot(w);
        expect(scale >= 2 ** 20 && scale <= 2 ** 21).toBe(true);
        expect(Math.abs(scale * 2 ** -shift * Math.sqrt(w) - 1)).toBeLessThan(2 ** -19);
      }),
    );
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), fc.nat(2 ** 31 - 1), fc.integer({ min: 1, max: 16 }), (s, g, k) => {
        const expected = Math.sqrt(s * s + (g * g - s * s) / 2 ** k);
        expect(Math.abs(renewedRoot(s, g, k) - expected)).toBeLessThan(Math.max(s, g) * 2 ** -22 + 2);
      }),
    );
  });
});

describe('tables of layers', () => {
  it('hold what they say', () => {
    const phi = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    // The derivative of the distribution is the density: steps of 1/64 by Simpson's rule.
    let cdf = 0.5;
    for (let k = 0; k <= 384; k++) {
      const x = k / 64;
      expect(Math.abs(NORMAL_CDF_Q16[k]! - cdf * 65_536)).toBeLessThan(0.51);
      expect(Math.abs(GELU_SLOPE_Q16[k]! - (cdf + x * phi(x)) * 65_536)).toBeLessThan(0.51);
      cdf += (phi(x) + 4 * phi(x + 1 / 128) + phi(x + 1 / 64)) / 384;
    }
    COSINE_FALL_Q24.forEach((value, k) => {
      expect(Math.abs(value - 2 ** 23 * (1 + Math.cos((Math.PI * k) / 256)))).toBeLessThan(0.51);
    });
    expect([NORMAL_CDF_Q16.length, GELU_SLOPE_Q16.length, COSINE_FALL_Q24.length]).toEqual([385, 385, 257]);
  });
});
