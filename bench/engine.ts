/** Training speed of the exact engine: samples/s by model, numeric format and threads, beside PyTorch f32 on the same layers in the same run. */
import { seededRandom, utf8 } from '../core/index.ts';
import {
  type Batch,
  createEngine,
  type Engine,
  type ModelDocument,
  type NumericFormat,
  numericFormats,
  parseModel,
  parseRecipe,
  type Trainer,
} from '../engine/index.ts';
import { demoModel, demoRecipe } from '../job/index.ts';
import type { Bench, Figures } from './main.ts';
import { findTorch, type Speed, type TorchPeer } from './peers/torch.ts';

/** Machines are shared: sides alternate in short slices, and each keeps its best one, the least disturbed. */
const SLICE_SECONDS = 0.4;
const SLICES = 12;
const BATCH = 64;
const THREADS = [1, 2] as const;

const dense = (units: number, activation: 'relu' | 'softmax'): ModelDocument['layers'][number] => ({
  class_name: 'Dense',
  config: { units, activation, use_bias: true },
});

const MODELS: Readonly<Record<string, Omit<ModelDocument, 'numeric'>>> = {
  mlp: { format: 'fedai-model/1', input: [784], layers: [dense(256, 'relu'), dense(10, 'softmax')] },
  cnn: demoModel,
};

/** `bfp12` of `bfp12@1`: keys of figures carry no version. */
const keyOf = (numeric: NumericFormat): string => numeric.split('@')[0]!;

function randomBatch(document: Omit<ModelDocument, 'numeric'>): Batch {
  const random = seededRandom(utf8('bench batch'));
  const inputSize = document.input.reduce((product, side) => product * side, 1);
  return {
    inputs: Uint8Array.from({ length: BATCH * inputSize }, () => random.below(256)),
    labels: Uint8Array.from({ length: BATCH }, () => random.below(10)),
  };
}

function createTrainer(engine: Engine, document: ModelDocument): Trainer {
  const model = parseModel(document);
  const recipe = parseRecipe({ ...demoRecipe, batchSize: BATCH }, model);
  return engine.trainer(model, recipe, engine.initialState(model, utf8('bench')));
}

function exactSpeed(trainer: Trainer, batch: Batch): Speed {
  for (let i = 0; i < 2; i++) trainer.step(batch);
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  let steps = 0;
  while (performance.now() - started < SLICE_SECONDS * 1000) {
    trainer.step(batch);
    steps++;
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: (steps * BATCH * 1000) / (performance.now() - started),
    perProcessorSecond: (steps * BATCH * 1e6) / (user + system),
  };
}

const better = (a: Speed, b: Speed): Speed => ({
  perSecond: Math.max(a.perSecond, b.perSecond),
  perProcessorSecond: Math.max(a.perProcessorSecond, b.perProcessorSecond),
});

const NONE: Speed = { perSecond: 0, perProcessorSecond: 0 };

/** Best slice of each format and of PyTorch (none without it), all sides taking turns. */
async function measure(
  document: Omit<ModelDocument, 'numeric'>,
  engine: Engine,
  threads: number,
  torch: TorchPeer | undefined,
): Promise<{ exact: Speed[]; peer: Speed | undefined }> {
  const batch = randomBatch(document);
  const trainers = numericFormats.map((numeric) => createTrainer(engine, { ...document, numeric }));
  const exact = numericFormats.map(() => NONE);
  let peer: Speed | undefined;
  for (let slice = 0; slice < SLICES; slice++) {
    const options = { batch: BATCH, threads, seconds: SLICE_SECONDS };
    const speed = await torch?.speed({ ...document, numeric: numericFormats[0] }, options);
    if (speed) peer = better(peer ?? NONE, speed);
    trainers.forEach((trainer, i) => {
      exact[i] = better(exact[i]!, exactSpeed(trainer, batch));
    });
  }
  return { exact, peer };
}

/** Ratios to PyTorch at `threads`; at one thread also by processor time, for machines on which others work. */
function ratios(threads: number, speed: Speed, peer: Speed | undefined): Figures {
  const ratio = (key: keyof Speed): number | null => (peer ? speed[key] / peer[key] : null);
  return {
    [`t${threads}`]: ratio('perSecond'),
    ...(threads === 1 ? { t1ByProcessorTime: ratio('perProcessorSecond') } : {}),
    [`t${threads}SamplesPerSecond`]: speed.perSecond,
  };
}

async function benchModel(
  document: Omit<ModelDocument, 'numeric'>,
  torch: TorchPeer | undefined,
): Promise<Figures> {
  const figures: Record<string, Figures> = { torch: {} };
  for (const threads of THREADS) {
    const engine = await createEngine({ threads });
    const { exact, peer } = await measure(document, engine, threads, torch);
    figures.torch = { ...figures.torch, [`t${threads}SamplesPerSecond`]: peer?.perSecond ?? null };
    numericFormats.forEach((numeric, i) => {
      const key = keyOf(numeric);
      figures[key] = { ...figures[key], ...ratios(threads, exact[i]!, peer) };
    });
  }
  return figures;
}

export const bench: Bench = async (report) => {
  const torch = findTorch();
  if (!torch) report('PyTorch is not installed here: ratios are null');
  const figures: Figures = { batch: BATCH, kernel: (await createEngine()).kernel };
  for (const [name, document] of Object.entries(MODELS)) {
    figures[name] = await benchModel(document, torch);
    report(`${name}: ${JSON.stringify(figures[name])}`);
  }
  torch?.close();
  return figures;
};
