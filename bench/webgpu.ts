/** Training speed on this machine's graphics device beside the WebAssembly kernels: samples/s by model and numeric format, the same bits. */
import { utf8 } from '../core/index.ts';
import {
  type Batch,
  createEngine,
  type Engine,
  type ModelDocument,
  numericFormats,
  parseModel,
  parseRecipe,
  stateRoots,
  type Trainer,
} from '../engine/index.ts';
import { demoModel, demoRecipe } from '../job/index.ts';
import type { Bench, Figures } from './main.ts';

const BATCH = 64;
const SLICE_SECONDS = 2;
const SLICES = 3;

const dense = (units: number, activation: 'relu' | 'softmax'): ModelDocument['layers'][number] => ({
  class_name: 'Dense',
  config: { units, activation, use_bias: true },
});

const MODELS: Readonly<Record<string, Omit<ModelDocument, 'numeric'>>> = {
  mlp: { format: 'fedai-model/1', input: [784], layers: [dense(256, 'relu'), dense(10, 'softmax')] },
  cnn: demoModel,
};

function slice(trainer: Trainer, batch: Batch): number {
  const started = performance.now();
  let taken = 0;
  do {
    trainer.step(batch);
    taken++;
  } while (performance.now() - started < SLICE_SECONDS * 1000);
  return (taken * BATCH * 1000) / (performance.now() - started);
}

function measure(document: ModelDocument, device: Engine, processor: Engine): Figures {
  const model = parseModel(document);
  const recipe = parseRecipe({ ...demoRecipe, batchSize: BATCH }, model);
  const batch: Batch = {
    inputs: Uint8Array.from({ length: BATCH * model.inputSize }, (_, i) => (i * 97 + (i >> 5)) & 255),
    labels: Uint8Array.from({ length: BATCH }, (_, i) => i % model.classes),
  };
  const start = processor.initialState(model, utf8('bench'));
  const sides = [device, processor].map((engine) => ({
    trainer: engine.trainer(model, recipe, start),
    best: 0,
  }));
  // The first step allocates; both are then in one state.
  const roots = sides.map(({ trainer }) => {
    trainer.step(batch);
    return stateRoots(model, trainer.export()).stateRoot;
  });
  for (let i = 0; i < SLICES; i++)
    for (const side of sides) side.best = Math.max(side.best, slice(side.trainer, batch));
  const [gpu, cpu] = sides as [(typeof sides)[0], (typeof sides)[0]];
  return {
    webgpuSamplesPerSecond: gpu.best,
    wasmSamplesPerSecond: cpu.best,
    ratio: gpu.best / cpu.best,
    sameBits: Buffer.compare(roots[0]!, roots[1]!) === 0,
  };
}

export const bench: Bench = async (report) => {
  const device = await createEngine({ kernel: 'webgpu' });
  const processor = await createEngine({ kernel: 'wasm' });
  const figures: Figures = { batch: BATCH, adapter: device.adapter ?? '' };
  for (const [name, document] of Object.entries(MODELS)) {
    const byFormat: Figures = {};
    for (const numeric of numericFormats) {
      byFormat[numeric.split('@')[0]!] = measure({ ...document, numeric }, device, processor);
      report(`${name} ${numeric}: ${JSON.stringify(byFormat[numeric.split('@')[0]!])}`);
    }
    figures[name] = byFormat;
  }
  return figures;
};
