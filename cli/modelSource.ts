/** The model of a document as a person gives it: written out, as Keras or TensorFlow.js layer JSON, or as the path of a file. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FedaiError, parseJson } from '../core/index.ts';
import { LIMITS, MAX_ONNX_BYTES } from '../engine/index.ts';

/** A document of a job holds a model, a recipe and little else. */
export const MAX_DOCUMENT_BYTES = 4 * LIMITS.documentBytes;

export type ModelSource =
  | { readonly kind: 'own' | 'keras'; readonly json: unknown }
  | { readonly kind: 'onnx'; readonly bytes: Uint8Array };

const KERAS_FIELDS = ['class_name', 'modelTopology', 'model_config'];
const isKeras = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && KERAS_FIELDS.some((field) => field in json);

/** Paths are looked for in `folder`. Throws `TOO_LARGE`, `BAD_JSON`. */
export async function readModelSource(source: unknown, folder: string): Promise<ModelSource> {
  if (typeof source !== 'string') return { kind: isKeras(source) ? 'keras' : 'own', json: source };
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
  if (path.endsWith('.onnx')) return { kind: 'onnx', bytes: Uint8Array.from(bytes) };
  const json = parseJson(bytes, MAX_DOCUMENT_BYTES);
  const isOwn =
    typeof json === 'object' && json !== null && 'format' in json && json.format === 'fedai-model/1';
  return { kind: isOwn ? 'own' : 'keras', json };
}
