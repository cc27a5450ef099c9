/** Training speed of the exact engine: samples/s on one thread, beside PyTorch f32 on the same layers in the same run. */
import { seededRandom, utf8 } from '../core/index.ts';
import {
  type Batch,
  createEngine,
  type Engine,
  type ModelDocument,
  parseModel,
  parseRecipe,
  type TrainingRecipe,
} from '../engine/index.ts';
import { demoModel, demoRecipe } from '../job/index.ts';
import type { Bench, Figures } from './main.ts';
import { findTorch, torchSpeed } from './peers/torch.ts';

/** Long enough to pass over warm-up noise; sides alternate, and each keeps its best slice, since machines are shared. */
const SLICE_SECONDS = 2;
const SLICES = 3;

const mlp: ModelDocument = {
  format: 'fedai-model/1',
  numeric: 'bfp12@1',
  input: [784],
  layers: [
    { class_name: 'Dense', config: { units: 256, activation: 'relu', use_bias: true } },
    { class_name: 'Dense', config: { units: 10, activation: 'softmax', use_bias: true } },
  ],
};

function exactSpeed(engine: Engine, document: ModelDocument, recipe: TrainingRecipe, batch: Batch): number {
  const model = parseModel(document);
  const trainer = engine.trainer(
    model,
    parseRecipe(recipe, model),
    engine.initialState(model, utf8('bench')),
  );
  for (let i = 0; i < 3; i++) trainer.step(batch);
  const started = performance.now();
  let steps = 0;
  while (performance.now() - started < SLICE_SECONDS * 1000) {
    trainer.step(batch);
    steps++;
  }
  return (steps * recipe.batchSize * 1000) / (performance.now() - started);
}

function randomBatch(document: ModelDocument, size: number): Batch {
  const random = seededRandom(utf8('bench batch'));
  const inputSize = document.input.reduce((product, side) => product * side, 1);
  return {
    inputs: Uint8Array.from({ length: size * inputSize }, () => random.below(256)),
    labels: Uint8Array.from({ length: size }, () => random.below(10)),
  };
}

export const bench: Bench = async (report) => {
  const engine = await createEngine();
  report(`kernel ${engine.kernel}${engine.fallbackReason ? ` (${engine.fallbackReason})` : ''}`);
  const torch = findTorch();
  if (!torch) report('PyTorch is not installed here: ratios are null');
  const figures: Figures = { kernel: engine.kernel };
  for (const [name, document] of Object.entries({ mlp, cnn: demoModel })) {
    const batch = randomBatch(document, demoRecipe.batchSize);
    let exact = 0;
    let peer = 0;
    for (let slice = 0; slice < SLICES; slice++) {
      exact = Math.max(exact, exactSpeed(engine, document, demoRecipe, batch));
      const options = { batch: demoRecipe.batchSize, threads: 1, seconds: SLICE_SECONDS };
      if (torch) peer = Math.max(peer, await torchSpeed(torch, document, options));
    }
    const bfp12 = { t1: torch ? exact / peer : null, t1SamplesPerSecond: exact };
    figures[name] = { bfp12, torchSamplesPerSecond: torch ? peer : null };
    report(`${name}: ${exact.toFixed(0)} samples/s${torch ? `, PyTorch ${peer.toFixed(0)}` : ''}`);
  }
  return figures;
};
