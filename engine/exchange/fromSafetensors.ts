/** Weights out of a safetensors file of another tool (F32, F16, BF16), found by the names of the model's tensors. */
import { FedaiError, parseJson } from '../../core/index.ts';
import { LIMITS } from '../document.ts';
import type { Model } from '../model.ts';
import { toMasters } from './masters.ts';

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 4 * LIMITS.documentBytes;

const bad = (message: string, data: Record<string, unknown> = {}): FedaiError =>
  new FedaiError('BAD_MODEL_FILE', message, data, {
    remedy: 'name its tensors layers.<index>.kernel, .bias, … as `fedai train` writes them',
  });

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Partial<Entry> | null;
  const whole = (list: unknown): boolean =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  return (
    typeof entry === 'object' &&
    entry !== null &&
    typeof entry.dtype === 'string' &&
    whole(entry.shape) &&
    whole(entry.data_offsets) &&
    entry.data_offsets?.length === 2
  );
}

/** Half precision: 5 bits of exponent, 10 of fraction. */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const READERS: Readonly<Record<string, { bytes: number; read(view: DataView, at: number): number }>> = {
  F32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  F16: { bytes: 2, read: (view, at) => half(view.getUint16(at, true)) },
  BF16: {
    bytes: 2,
    read(view, at) {
      const wide = new DataView(new ArrayBuffer(4));
      wide.setUint16(2, view.getUint16(at, true), true);
      return wide.getFloat32(0, true);
    },
  },
};

function readEntry(name: string, entry: unknown, data: Uint8Array, size: number): Float64Array {
  if (!isEntry(entry)) throw bad(`${name}: missing or malformed`);
  const reader = READERS[entry.dtype];
  if (!reader) throw bad(`${name}: ${entry.dtype} is not read`, { expected: Object.keys(READERS) });
  const [start, end] = entry.data_offsets;
  if (end > data.length || end - start !== size * reader.bytes)
    throw bad(`${name}: the data do not fit`, { got: end - start, expected: size * reader.bytes });
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Float64Array.from({ length: size }, (_, i) => reader.read(view, start + i * reader.bytes));
}

interface Spec {
  readonly name: string;
  readonly shape: readonly number[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

/** Floats of the tensors asked for, in that order; others in the file are passed over. Throws `BAD_MODEL_FILE` naming the tensor. */
export function readTensors(
  bytes: Uint8Array,
  specs: readonly Spec[],
): { values: Float64Array[]; metadata: Readonly<Record<string, unknown>> } {
  if (bytes.length < LENGTH_BYTES) throw bad('the file is cut off', { got: bytes.length });
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, bytes.length - LENGTH_BYTES)))
    throw bad('header is too long', { got: length });
  const start = LENGTH_BYTES + Number(length);
  const header = readHeader(bytes.subarray(LENGTH_BYTES, start));
  const data = bytes.subarray(start);
  const values = specs.map(({ name, shape }) => {
    const entry = header[name];
    const fits = isEntry(entry) && entry.shape.join() === shape.join();
    if (entry !== undefined && !fits) throw bad(`${name}: another shape`, { expected: shape });
    return readEntry(name, entry, data, sizeOf(shape));
  });
  const metadata = header.__metadata__;
  return { values, metadata: typeof metadata === 'object' && metadata !== null ? { ...metadata } : {} };
}

/** Masters of a model from floats. Throws `BAD_MODEL_FILE` naming the tensor. */
export const weightsFromSafetensors = (model: Model, bytes: Uint8Array): Int32Array[] =>
  toMasters(model, readTensors(bytes, model.tensors).values, bad);

function readHeader(bytes: Uint8Array): Record<string, unknown> {
  const json = parseJson(bytes, MAX_HEADER_BYTES);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw bad('the header is not an object');
  return { ...json };
}
