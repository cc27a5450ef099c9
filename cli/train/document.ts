/** What `fedai train` trains: a `fedai-train/1` document, or the model and recipe of a job document; and which engine covers it. */
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { FedaiError, parseJson } from '../../core/index.ts';
import {
  importKeras,
  importOnnx,
  kerasGaps,
  type Model,
  parseModel,
  parseRecipe,
  type TrainingRecipe,
} from '../../engine/index.ts';
import type { FloatRecipe, Topology } from '../../engine/tfjs/index.ts';
import { MAX_DOCUMENT_BYTES, type ModelSource, readModelSource } from '../modelSource.ts';

export const MAX_EPOCHS = 1_000_000;

const schema = z.strictObject({
  format: z.literal('fedai-train/1'),
  name: z.string().max(200).optional(),
  model: z.unknown(),
  recipe: z.unknown(),
  epochs: z.int().min(1).max(MAX_EPOCHS).optional(),
});

interface Common {
  readonly name: string;
  /** Passes over the training set, when the document says so. */
  readonly epochs: number | undefined;
}

export interface ExactDocument extends Common {
  readonly engine: 'exact';
  readonly model: Model;
  readonly recipe: TrainingRecipe;
  /** Weights that came with the model. */
  readonly weights: readonly Int32Array[] | undefined;
}

export interface FloatDocument extends Common {
  readonly engine: 'tfjs';
  readonly topology: Topology;
  readonly recipe: FloatRecipe;
  /** The recipe as it was written. */
  readonly written: unknown;
  /** What the exact engine does not cover; empty when TensorFlow.js was asked for. */
  readonly gaps: readonly string[];
}

export type TrainDocument = ExactDocument | FloatDocument;
/** `auto`: the exact engine where it covers the document. */
export type WantedEngine = 'auto' | 'exact' | 'tfjs';

/** Throws `BAD_DOCUMENT`, `BAD_MODEL` or `BAD_RECIPE` naming the field. `model` may be the path of an ONNX or Keras file in `folder`. */
export async function parseTrainDocument(
  json: unknown,
  folder: string,
  wanted: WantedEngine = 'auto',
): Promise<TrainDocument> {
  const source = isJob(json)
    ? { format: 'fedai-train/1', name: json.name, model: json.model, recipe: json.recipe }
    : json;
  const parsed = schema.safeParse(source);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.map(String).join('.') || 'document';
    throw new FedaiError(
      'BAD_DOCUMENT',
      `not a training document: ${where}: ${issue?.message ?? 'unknown problem'}`,
      { field: where },
      { remedy: 'give {"format":"fedai-train/1","model":…,"recipe":…,"epochs":…} or a job document' },
    );
  }
  const { name = 'model', epochs, recipe } = parsed.data;
  const model = await readModelSource(parsed.data.model, folder);
  const common = { name, epochs };
  if (wanted === 'tfjs') return { ...common, ...(await inFloats(model, recipe, [])) };
  try {
    return { ...common, ...exactly(model, recipe) };
  } catch (error) {
    const gaps = wanted === 'auto' ? await gapsOf(error, model, recipe) : [];
    if (gaps.length === 0) throw error;
    return { ...common, ...(await inFloats(model, recipe, gaps)) };
  }
}

export async function readTrainDocument(path: string, wanted?: WantedEngine): Promise<TrainDocument> {
  const { size } = await stat(path);
  if (size > MAX_DOCUMENT_BYTES)
    throw new FedaiError('TOO_LARGE', 'the document is too large', {
      path,
      got: size,
      expected: `<= ${MAX_DOCUMENT_BYTES}`,
    });
  return parseTrainDocument(parseJson(await readFile(path), MAX_DOCUMENT_BYTES), dirname(path), wanted);
}

const isJob = (json: unknown): json is { name?: unknown; model: unknown; recipe: unknown } =>
  typeof json === 'object' && json !== null && 'format' in json && json.format === 'fedai-job/1';

function exactly(source: ModelSource, recipe: unknown): Omit<ExactDocument, keyof Common> {
  const { model, weights } = exactModel(source);
  return { engine: 'exact', model, weights, recipe: parseRecipe(recipe, model) };
}

function exactModel(source: ModelSource): Pick<ExactDocument, 'model' | 'weights'> {
  if (source.kind === 'onnx') return importOnnx(source.bytes);
  const model = source.kind === 'keras' ? importKeras(source.json) : parseModel(source.json);
  return { model, weights: undefined };
}

/** Why only TensorFlow.js may train what the exact engine has refused; empty where it would not either. */
async function gapsOf(error: unknown, source: ModelSource, recipe: unknown): Promise<string[]> {
  if (source.kind !== 'keras' || !(error instanceof FedaiError)) return [];
  if (error.code === 'UNSUPPORTED_KERAS' || error.code === 'BAD_MODEL') {
    const gaps = kerasGaps(source.json);
    return gaps.length > 0 ? gaps : [error.message];
  }
  const { isFloatRecipe } = await import('../../engine/tfjs/index.ts');
  return error.code === 'BAD_RECIPE' && isFloatRecipe(recipe)
    ? ['recipe: a loss, an optimizer or learning rates in floats']
    : [];
}

async function inFloats(
  source: ModelSource,
  written: unknown,
  gaps: readonly string[],
): Promise<Omit<FloatDocument, keyof Common>> {
  if (source.kind !== 'keras')
    throw new FedaiError(
      'UNSUPPORTED_TFJS',
      'TensorFlow.js is given layer JSON of Keras or TensorFlow.js only',
      { got: source.kind === 'onnx' ? 'ONNX' : 'fedai-model/1' },
      { remedy: 'leave --engine away: the exact engine trains this model' },
    );
  const { parseFloatRecipe, parseTopology } = await import('../../engine/tfjs/index.ts');
  const topology = parseTopology(source.json);
  return { engine: 'tfjs', topology, recipe: parseFloatRecipe(written), written, gaps };
}
