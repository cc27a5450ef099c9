/** Training speed on this machine's graphics device beside the WebAssembly kernels: samples/s by model and numeric format, the same bits. */
import { utf8 } from '../core/index.ts';
import {
  type Batch,
  createEngine,
  type Engine,
  momentsOf,
  type NumericFormat,
  numericFormats,
  parseModel,
  parseRecipe,
  stateRoots,
  type Trainer,
} from '../engine/index.ts';
import type { Bench, Figures } from './main.ts';
import { BENCH_MODELS, type BenchModel } from './models.ts';

const SLICE_SECONDS = 2;
const SLICES = 3;

/** On a software adapter a step of the larger models takes minutes and says nothing. */
const SMALL: readonly string[] = ['mlp', 'cnn'];

/** Samples a second. */
function slice(trainer: Trainer, batch: Batch): number {
  const started = performance.now();
  let taken = 0;
  do {
    trainer.step(batch);
    taken++;
  } while (performance.now() - started < SLICE_SECONDS * 1000);
  return (taken * batch.labels.length * 1000) / (performance.now() - started);
}

function measure(bench: BenchModel, numeric: NumericFormat, device: Engine, processor: Engine): Figures {
  const model = parseModel({ ...bench.document, numeric });
  const recipe = parseRecipe(bench.recipe, model);
  const { batchSize } = recipe;
  const limit = model.positions > 1 ? model.classes : 256;
  const batch: Batch = {
    inputs: Uint8Array.from({ length: batchSize * model.inputSize }, (_, i) => (i * 97 + (i >> 5)) % limit),
    labels: Uint8Array.from({ length: batchSize }, (_, i) => i % model.classes),
  };
  const start = processor.initialState(model, utf8('bench'), momentsOf(recipe));
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
  for (const { trainer } of sides) trainer.close?.();
  const [gpu, cpu] = sides as [(typeof sides)[0], (typeof sides)[0]];
  return {
    batch: batchSize,
    webgpuSamplesPerSecond: gpu.best,
    wasmSamplesPerSecond: cpu.best,
    ratio: gpu.best / cpu.best,
    sameBits: Buffer.compare(roots[0]!, roots[1]!) === 0,
  };
}

export const bench: Bench = async (report) => {
  const device = await createEngine({ kernel: 'webgpu' });
  const processor = await createEngine({ kernel: 'wasm' });
  const figures: Figures = { adapter: device.adapter ?? '' };
  for (const [name, model] of Object.entries(BENCH_MODELS)) {
    if (device.software && !SMALL.includes(name)) continue;
    const byFormat: Figures = {};
    for (const numeric of numericFormats) {
      byFormat[numeric.split('@')[0]!] = measure(model, numeric, device, processor);
      report(`${name} ${numeric}: ${JSON.stringify(byFormat[numeric.split('@')[0]!])}`);
    }
    figures[name] = byFormat;
  }
  return figures;
};
