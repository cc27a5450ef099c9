/** Model files: safetensors with the exact int32 masters and the model document, in one canonical byte form; and a float view. */
import { canonicalJson, concatBytes, equalBytes, FedaiError, parseJson } from '../../core/index.ts';
import { LIMITS } from '../document.ts';
import { type Model, modelBytes, parseModel } from '../model.ts';
import { readTensor, tensorBytes } from './encode.ts';
import { checkWeights } from './state.ts';

const FORMAT = 'fedai-weights/1';
const LENGTH_BYTES = 8;
/** The document, escaped once more, and an entry for each of at most two tensors a layer. */
const MAX_HEADER_BYTES = 4 * LIMITS.documentBytes;
export const MAX_MODEL_FILE_BYTES = LENGTH_BYTES + MAX_HEADER_BYTES + 4 * LIMITS.parameters;

type Entry = { dtype: 'I32' | 'F32'; shape: readonly number[]; data_offsets: [number, number] };

/** Header: canonical JSON padded with spaces to a multiple of 8, its length as u64le before it. */
function safetensors(
  model: Model,
  dtype: Entry['dtype'],
  metadata: Record<string, string>,
  tensors: readonly Uint8Array[],
): Uint8Array {
  const header: Record<string, Entry | Record<string, string>> = { __metadata__: metadata };
  let offset = 0;
  model.tensors.forEach(({ name, shape }, i) => {
    const end = offset + tensors[i]!.length;
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  });
  const json = canonicalJson(header);
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  return concatBytes(length, padded, ...tensors);
}

/** The canonical model file: value = int32 · 2^−24. */
export function encodeModel(model: Model, weights: readonly Int32Array[]): Uint8Array {
  checkWeights(model, weights);
  const metadata = { format: FORMAT, model: new TextDecoder().decode(modelBytes(model)), scale: '2^-24' };
  return safetensors(model, 'I32', metadata, weights.map(tensorBytes));
}

/** The same weights as float32 for other tools. */
export function toFloatSafetensors(model: Model, weights: readonly Int32Array[]): Uint8Array {
  checkWeights(model, weights);
  const floats = weights.map((tensor) => {
    const out = new Uint8Array(tensor.length * 4);
    const view = new DataView(out.buffer);
    for (let i = 0; i < tensor.length; i++) view.setFloat32(4 * i, tensor[i]! / 16777216, true);
    return out;
  });
  return safetensors(model, 'F32', { format: 'pt' }, floats);
}

function badFile(message: string, data: Record<string, unknown> = {}, cause?: unknown): FedaiError {
  return new FedaiError('BAD_MODEL_FILE', message, data, { remedy: 'fetch the model again', cause });
}

function readDocument(bytes: Uint8Array): { model: Model; dataStart: number } {
  if (bytes.length < LENGTH_BYTES || bytes.length > MAX_MODEL_FILE_BYTES)
    throw badFile('model file has an impossible length', { got: bytes.length });
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, bytes.length - LENGTH_BYTES)))
    throw badFile('header is too long', { got: length });
  const dataStart = LENGTH_BYTES + Number(length);
  const header = parseJson(bytes.subarray(LENGTH_BYTES, dataStart), MAX_HEADER_BYTES) as {
    __metadata__?: { model?: unknown };
  } | null;
  const text = header?.__metadata__?.model;
  if (typeof text !== 'string') throw badFile('header has no model document');
  return { model: parseModel(parseJson(new TextEncoder().encode(text), LIMITS.documentBytes)), dataStart };
}

/** Reads a canonical model file; throws `BAD_MODEL_FILE` on anything that encodeModel would not write. */
export function decodeModel(bytes: Uint8Array): { model: Model; weights: Int32Array[] } {
  const { model, weights } = readModel(bytes);
  if (!equalBytes(encodeModel(model, weights), bytes)) throw badFile('model file is not in canonical form');
  return { model, weights };
}

function readModel(bytes: Uint8Array): { model: Model; weights: Int32Array[] } {
  try {
    const { model, dataStart } = readDocument(bytes);
    if (bytes.length - dataStart !== 4 * model.parameters) {
      throw badFile('wrong amount of data', {
        got: bytes.length - dataStart,
        expected: 4 * model.parameters,
      });
    }
    let offset = dataStart;
    const weights = model.tensors.map(({ size }) => {
      const tensor = readTensor(bytes, offset, size);
      offset += 4 * size;
      return tensor;
    });
    return { model, weights };
  } catch (cause) {
    if (cause instanceof FedaiError && cause.code === 'BAD_MODEL_FILE') throw cause;
    throw badFile('not a model file', {}, cause);
  }
}
