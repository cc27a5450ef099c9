/** What `fedai train` trains: a `fedai-train/1` document, or the model and recipe of a job document. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { FedaiError, parseJson } from '../../core/index.ts';
import {
  importKeras,
  importOnnx,
  LIMITS,
  MAX_ONNX_BYTES,
  type Model,
  parseModel,
  parseRecipe,
  type TrainingRecipe,
} from '../../engine/index.ts';

/** A document of a job holds a model, a recipe and little else. */
const MAX_DOCUMENT_BYTES = 4 * LIMITS.documentBytes;
export const MAX_EPOCHS = 1_000_000;

const schema = z.strictObject({
  format: z.literal('fedai-train/1'),
  name: z.string().max(200).optional(),
  model: z.unknown(),
  recipe: z.unknown(),
  epochs: z.int().min(1).max(MAX_EPOCHS).optional(),
});

export interface TrainDocument {
  readonly name: string;
  readonly model: Model;
  readonly recipe: TrainingRecipe;
  /** Weights that came with the model. */
  readonly weights: readonly Int32Array[] | undefined;
  /** Passes over the training set, when the document says so. */
  readonly epochs: number | undefined;
}

/** Throws `BAD_DOCUMENT`, `BAD_MODEL` or `BAD_RECIPE` naming the field. `model` may be the path of an ONNX or Keras file in `folder`. */
export async function parseTrainDocument(json: unknown, folder: string): Promise<TrainDocument> {
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
  const { model, weights } = await readModel(parsed.data.model, folder);
  return {
    name: parsed.data.name ?? 'model',
    model,
    weights,
    recipe: parseRecipe(parsed.data.recipe, model),
    epochs: parsed.data.epochs,
  };
}

export async function readTrainDocument(path: string): Promise<TrainDocument> {
  const { size } = await stat(path);
  if (size > MAX_DOCUMENT_BYTES)
    throw new FedaiError('TOO_LARGE', 'the document is too large', {
      path,
      got: size,
      expected: `<= ${MAX_DOCUMENT_BYTES}`,
    });
  return parseTrainDocument(parseJson(await readFile(path), MAX_DOCUMENT_BYTES), dirname(path));
}

const isJob = (json: unknown): json is { name?: unknown; model: unknown; recipe: unknown } =>
  typeof json === 'object' && json !== null && 'format' in json && json.format === 'fedai-job/1';

async function readModel(
  source: unknown,
  folder: string,
): Promise<{ model: Model; weights: readonly Int32Array[] | undefined }> {
  if (typeof source !== 'string') return { model: parseModel(source), weights: undefined };
  const path = resolve(folder, source);
  const { size } = await stat(path);
  const limit = path.endsWith('.onnx') ? MAX_ONNX_BYTES : MAX_DOCUMENT_BYTES;
  if (size > limit)
    throw new FedaiError('TOO_LARGE', 'the model file is too large', {
      path,
      got: size,
      expected: `<= ${limit}`,
    });
  const bytes = await readFile(path);
  if (path.endsWith('.onnx')) return importOnnx(Uint8Array.from(bytes));
  return { model: importKeras(parseJson(bytes, MAX_DOCUMENT_BYTES)), weights: undefined };
}
