/**
 * What integers cost in accuracy: the same models from the same weights over the same batches, exact and in PyTorch f32, three
 * seeds. Digits the network has not seen, in points of a hundred; text it has not seen, in nats a character.
 * `--text FILE` takes another text than the project's own pages, `--only mlp,cnn,chargpt` some of the models.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoDigits } from '../cli/demo/index.ts';
import { seededRandom, utf8 } from '../core/index.ts';
import {
  createEngine,
  type Engine,
  momentsOf,
  type NumericFormat,
  numericFormats,
  parseModel,
  parseRecipe,
  type TrainingRecipe,
  type TrainState,
} from '../engine/index.ts';
import type { Bench, Figures } from './main.ts';
import { BENCH_MODELS, type BenchDocument, VOCABULARY } from './models.ts';
import { findTorch, type Scores, type TorchPeer } from './peers/torch.ts';

const SEEDS = [1, 2, 3];
const IMAGE_STEPS = 1_000;
const TEXT_STEPS = 1_000;
/** Of the text, for the test. */
const TEST_SHARE = 10;
const TEST_WINDOWS = 2_000;
const MASTER_ONE = 2 ** 24;
const LOGIT_ONE = 2 ** 16;
/** Predicted at a time. */
const PORTION = 500;

interface Records {
  /** u8, [count, inputSize]. */
  readonly inputs: Uint8Array;
  readonly labels: Uint8Array;
}

interface Task {
  readonly document: BenchDocument;
  readonly recipe: TrainingRecipe;
  readonly steps: number;
  readonly train: Records;
  readonly test: Records;
}

async function digits(document: BenchDocument, recipe: TrainingRecipe): Promise<Task> {
  const [train, test] = await Promise.all([demoDigits('train'), demoDigits('test')]);
  return { document, recipe, steps: IMAGE_STEPS, train, test };
}

/** ASCII; what is not becomes a space. */
async function readText(file: string | undefined): Promise<Uint8Array> {
  const docs = join(import.meta.dirname, '..', 'docs');
  const pages = (await readdir(docs, { recursive: true })).filter((name) => name.endsWith('.md')).sort();
  const files = file === undefined ? pages.map((name) => join(docs, name)) : [file];
  const texts = await Promise.all(files.map((one) => readFile(one)));
  return Uint8Array.from(Buffer.concat(texts), (byte) => (byte < VOCABULARY ? byte : 0x20));
}

/** Windows at `starts`, each answered by the byte after it. */
function windows(text: Uint8Array, length: number, starts: readonly number[]): Records {
  const inputs = new Uint8Array(starts.length * length);
  for (const [i, start] of starts.entries()) inputs.set(text.subarray(start, start + length), i * length);
  return { inputs, labels: Uint8Array.from(starts, (start) => text[start + length]!) };
}

async function text(file: string | undefined): Promise<Task> {
  const { document, recipe } = BENCH_MODELS.chargpt;
  const all = await readText(file);
  const split = all.length - Math.floor(all.length / TEST_SHARE);
  const length = document.input[0]!;
  const random = seededRandom(utf8('windows'));
  const draw = (from: number, to: number, count: number) =>
    windows(
      all.subarray(from, to),
      length,
      Array.from({ length: count }, () => random.below(to - from - length - 1)),
    );
  const train = draw(0, split, TEXT_STEPS * recipe.batchSize);
  return { document, recipe, steps: TEXT_STEPS, train, test: draw(split, all.length, TEST_WINDOWS) };
}

/** Indices of records, step after step. */
function orderOf({ train, steps, recipe }: Task, seed: number): Uint32Array {
  const random = seededRandom(utf8(`order ${seed}`));
  return Uint32Array.from({ length: steps * recipe.batchSize }, () => random.below(train.labels.length));
}

function pick({ inputs, labels }: Records, chosen: Uint32Array): Records {
  const size = inputs.length / labels.length;
  const out = new Uint8Array(chosen.length * size);
  for (const [i, one] of chosen.entries()) out.set(inputs.subarray(one * size, (one + 1) * size), i * size);
  return { inputs: out, labels: Uint8Array.from(chosen, (one) => labels[one]!) };
}

function exact(engine: Engine, task: Task, numeric: NumericFormat, seed: number): Scores {
  const model = parseModel({ ...task.document, numeric });
  const recipe = parseRecipe(task.recipe, model);
  const trainer = engine.trainer(model, recipe, startOf(engine, task, numeric, seed));
  const order = orderOf(task, seed);
  for (let step = 0; step < task.steps; step++)
    trainer.step(pick(task.train, order.subarray(step * recipe.batchSize, (step + 1) * recipe.batchSize)));
  const { weights } = trainer.export();
  const { labels } = task.test;
  let [correct, nats] = [0, 0];
  for (let from = 0; from < labels.length; from += PORTION) {
    const chosen = Uint32Array.from({ length: Math.min(PORTION, labels.length - from) }, (_, i) => from + i);
    const part = pick(task.test, chosen);
    const { classes, logitsQ16 } = engine.predict(model, weights, part.inputs, chosen.length);
    for (const [i, label] of part.labels.entries()) {
      correct += classes[i] === label ? 1 : 0;
      nats += surprise(logitsQ16.subarray(i * model.classes, (i + 1) * model.classes), label);
    }
  }
  return { accuracy: correct / labels.length, nats: nats / labels.length };
}

function startOf(engine: Engine, { document, recipe }: Task, numeric: NumericFormat, seed: number) {
  const model = parseModel({ ...document, numeric });
  return engine.initialState(model, utf8(`start ${seed}`), momentsOf(parseRecipe(recipe, model)));
}

/** −log of what softmax gives the answer. */
function surprise(logitsQ16: Int32Array, label: number): number {
  const logits = Array.from(logitsQ16, (logit) => logit / LOGIT_ONE);
  const top = Math.max(...logits);
  return Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)) + top - logits[label]!;
}

function float(torch: TorchPeer, task: Task, start: TrainState, seed: number): Promise<Scores> {
  const { tensors } = parseModel({ ...task.document, numeric: numericFormats[0]! });
  const weights = tensors.map(({ name, shape }, i) => ({
    ...{ name, shape },
    values: Float32Array.from(start.weights[i]!, (master) => master / MASTER_ONE),
  }));
  const { document: model, recipe, train, test } = task;
  return torch.train({ model, recipe, weights, train, test, order: orderOf(task, seed) });
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

async function compare(task: Task, torch: TorchPeer | undefined): Promise<Figures> {
  const engine = await createEngine();
  const runs = { bfp12: [] as Scores[], bfp8: [] as Scores[], f32: [] as Scores[] };
  for (const seed of SEEDS) {
    runs.bfp12.push(exact(engine, task, 'bfp12@1', seed));
    runs.bfp8.push(exact(engine, task, 'bfp8@1', seed));
    const start = startOf(engine, task, numericFormats[0]!, seed);
    if (torch !== undefined) runs.f32.push(await float(torch, task, start, seed));
  }
  const summary = (scores: readonly Scores[]): Figures | null =>
    scores.length === 0
      ? null
      : { accuracy: 100 * mean(scores.map((s) => s.accuracy)), nats: mean(scores.map((s) => s.nats)) };
  return { bfp12: summary(runs.bfp12), bfp8: summary(runs.bfp8), f32: summary(runs.f32) };
}

export const bench: Bench = async (report, args) => {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const torch = findTorch()?.(1);
  if (torch === undefined) report('PyTorch is not installed here: f32 is null');
  const { mlp, cnn } = BENCH_MODELS;
  const tasks: Record<string, () => Promise<Task>> = {
    mlp: () => digits(mlp.document, mlp.recipe),
    cnn: () => digits(cnn.document, cnn.recipe),
    chargpt: () => text(option('--text')),
  };
  const only = option('--only')?.split(',');
  const figures: Figures = { seeds: SEEDS.length };
  for (const [name, task] of Object.entries(tasks)) {
    if (only !== undefined && !only.includes(name)) continue;
    figures[name] = await compare(await task(), torch);
    report(`${name}: ${JSON.stringify(figures[name])}`);
  }
  torch?.close();
  return figures;
};
