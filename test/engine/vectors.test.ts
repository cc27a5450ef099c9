import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../core/index.ts';
import { EXP2_NEGATIVE_Q20, LOG2_ONE_PLUS_Q16 } from '../../engine/arithmetic/tables.ts';
import { createEngine, type ModelDocument, parseModel, parseRecipe, stateRoots } from '../../engine/index.ts';
import { predict, type State, step, useFormat, type VectorLayer } from './bigint.ts';
import { sgd } from './support.ts';

interface Vector {
  name: string;
  model: ModelDocument;
  momentumShift: number;
  learningRateShift: number;
  start: { weights: number[][]; velocity: number[][] };
  inputs: number[];
  labels: number[];
  lossQ16: number;
  end: { weights: number[][]; velocity: number[][] };
  logitsQ16: number[];
  weightsRoot: string;
  stateRoot: string;
}

const folder = join(import.meta.dirname, 'vectors');
const vectors = readdirSync(folder).map(
  (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector,
);
const big = (tensors: number[][]): bigint[][] => tensors.map((tensor) => tensor.map(BigInt));
const small = (tensors: bigint[][]): number[][] => tensors.map((tensor) => tensor.map(Number));

describe.each(vectors)('vector $name', (vector) => {
  it('is reproduced by the independent BigInt implementation', () => {
    const start: State = { weights: big(vector.start.weights), velocity: big(vector.start.velocity) };
    const layers = vector.model.layers as VectorLayer[];
    useFormat(vector.model.numeric);
    const recipe = { momentumShift: vector.momentumShift, rateShift: vector.learningRateShift };
    const tables = { exp2: EXP2_NEGATIVE_Q20, log2: LOG2_ONE_PLUS_Q16 };
    const { state, loss } = step(
      layers,
      vector.model.input,
      start,
      vector.inputs,
      vector.labels,
      recipe,
      tables,
    );
    expect(Number(loss)).toBe(vector.lossQ16);
    expect(small(state.velocity)).toEqual(vector.end.velocity);
    expect(small(state.weights)).toEqual(vector.end.weights);
    const sample = vector.inputs.slice(0, vector.inputs.length / vector.labels.length);
    expect(predict(layers, vector.model.input, state, sample).map(Number)).toEqual(vector.logitsQ16);
  });

  it.each(['reference', 'wasm'] as const)('is reproduced by the %s kernel', async (kernel) => {
    const engine = await createEngine({ kernel });
    const model = parseModel(vector.model);
    const recipe = parseRecipe(
      sgd({
        momentumShift: vector.momentumShift,
        shifts: [vector.learningRateShift],
        batchSize: vector.labels.length,
      }),
      model,
    );
    const tensors = (lists: number[][]): Int32Array[] => lists.map((list) => Int32Array.from(list));
    const start = {
      counter: 0,
      weights: tensors(vector.start.weights),
      velocity: tensors(vector.start.velocity),
    };
    const { state, lossQ16 } = engine.step(model, recipe, start, {
      inputs: Uint8Array.from(vector.inputs),
      labels: Uint8Array.from(vector.labels),
    });
    expect(lossQ16).toBe(vector.lossQ16);
    expect(state).toEqual({
      counter: 1,
      weights: tensors(vector.end.weights),
      velocity: tensors(vector.end.velocity),
    });
    const roots = stateRoots(model, state);
    expect(roots.weightsRoot).toEqual(fromHex(vector.weightsRoot));
    expect(roots.stateRoot).toEqual(fromHex(vector.stateRoot));
  });
});

describe('constant tables', () => {
  it('hold round(2^(20 − k/256))', () => {
    EXP2_NEGATIVE_Q20.forEach((value, k) => {
      const power = 2n ** BigInt(21 * 256 - k);
      expect((2n * BigInt(value) - 1n) ** 256n <= power && power < (2n * BigInt(value) + 1n) ** 256n).toBe(
        true,
      );
    });
  });

  it('hold round(log2(1 + k/256) · 2^16)', () => {
    for (const k of [0, 1, 37, 128, 200, 255, 256]) {
      const value = BigInt(LOG2_ONE_PLUS_Q16[k]!);
      // 2^(2v − 1) <= (1 + k/256)^131072 < 2^(2v + 1)
      const power = BigInt(256 + k) ** 131072n;
      const scale = 8n * 131072n;
      expect(
        power < 2n ** (2n * value + 1n + scale) && (value === 0n || power >= 2n ** (2n * value - 1n + scale)),
      ).toBe(true);
    }
  });
});
