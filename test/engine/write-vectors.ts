/** Writes test/engine/vectors/*.json from the reference kernel. Run by hand only when a new numeric format is added: those that are there never change. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../core/index.ts';
import {
  createEngine,
  initialState,
  type ModelDocument,
  numericFormats,
  parseModel,
  parseRecipe,
  stateRoots,
} from '../../engine/index.ts';
import { createNoise, sgd, sizedBatch, smallModels } from './support.ts';

/** Names of the first format's vectors carry none. */
const PREFIXES = { 'bfp12@1': '', 'bfp8@1': 'bfp8-' } as const;

const engine = await createEngine({ kernel: 'reference' });

function extreme(noise: () => number): number {
  const draw = noise() & 7;
  return draw === 0 ? 2147483647 : draw === 1 ? -2147483647 : noise() >> (draw * 3);
}

function createVector(name: string, document: ModelDocument, edges: boolean) {
  const model = parseModel(document);
  const recipe = parseRecipe(sgd({ momentumShift: 3, shifts: [5], batchSize: 2 }), model);
  const noise = createNoise(name.length * 7919 + 1);
  const drawn = initialState(model, Uint8Array.of(7));
  const start = edges
    ? {
        ...drawn,
        weights: drawn.weights.map((t) => t.map(() => extreme(noise))),
        velocity: drawn.velocity.map((t) => t.map(() => extreme(noise))),
      }
    : drawn;
  const batch = sizedBatch(model, 2, noise);
  const { state, lossQ16 } = engine.step(model, recipe, start, batch);
  const { logitsQ16 } = engine.predict(model, state.weights, batch.inputs.subarray(0, model.inputSize), 1);
  const list = (tensors: readonly Int32Array[]): number[][] => tensors.map((tensor) => [...tensor]);
  const roots = stateRoots(model, state);
  return {
    name,
    model: document,
    momentumShift: 3,
    learningRateShift: 5,
    start: { weights: list(start.weights), velocity: list(start.velocity) },
    inputs: [...batch.inputs],
    labels: [...batch.labels],
    lossQ16,
    end: { weights: list(state.weights), velocity: list(state.velocity) },
    logitsQ16: [...logitsQ16],
    weightsRoot: toHex(roots.weightsRoot),
    stateRoot: toHex(roots.stateRoot),
  };
}

for (const numeric of numericFormats) {
  for (const [name, document] of Object.entries(smallModels)) {
    for (const edges of [false, true]) {
      const full = PREFIXES[numeric] + (edges ? `${name}-edges` : name);
      writeFileSync(
        join(import.meta.dirname, 'vectors', `${full}.json`),
        `${JSON.stringify(createVector(full, { ...document, numeric }, edges))}\n`,
      );
    }
  }
}
