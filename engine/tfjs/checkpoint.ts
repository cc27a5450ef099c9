/** Checkpoints `fedai-tfjs-checkpoint/1` and float weights, as safetensors files. */
import { canonicalJson, concatBytes, FedaiError } from '../../core/index.ts';
import { readTensors } from '../exchange/fromSafetensors.ts';

export const CHECKPOINT_FORMAT = 'fedai-tfjs-checkpoint/1';
const ALIGNMENT = 8;

/** A tensor of floats, row by row. */
export interface Named {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

function bytesOf(values: Float32Array): Uint8Array {
  const out = new Uint8Array(4 * values.length);
  const view = new DataView(out.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
  return out;
}

export const floatBytes = (tensors: readonly Named[]): Uint8Array =>
  concatBytes(...tensors.map(({ values }) => bytesOf(values)));

/** Float32 tensors under their names, in the order given. */
export function encodeFloats(metadata: Record<string, string>, tensors: readonly Named[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    const end = offset + 4 * values.length;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = canonicalJson(header);
  const padded = new Uint8Array(Math.ceil(json.length / ALIGNMENT) * ALIGNMENT).fill(0x20);
  padded.set(json);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  return concatBytes(length, padded, floatBytes(tensors));
}

export const encodeCheckpoint = (
  { counter, backend }: { counter: number; backend: string },
  tensors: readonly Named[],
): Uint8Array =>
  encodeFloats({ format: CHECKPOINT_FORMAT, attested: 'quality', step: String(counter), backend }, tensors);

export interface Checkpoint {
  readonly counter: number;
  readonly backend: string;
  /** In the order asked for. */
  readonly values: readonly Float64Array[];
}

/** Throws `BAD_CHECKPOINT` when it is none, or of another model. */
export function decodeCheckpoint(
  bytes: Uint8Array,
  specs: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Checkpoint {
  let found: ReturnType<typeof readTensors>;
  try {
    found = readTensors(bytes, specs);
  } catch (cause) {
    throw badCheckpoint(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const { format, step, backend } = found.metadata;
  const counter = Number(step);
  if (format !== CHECKPOINT_FORMAT || !Number.isSafeInteger(counter) || counter < 0)
    throw badCheckpoint('not a checkpoint of this format');
  return { counter, backend: String(backend), values: found.values };
}

const badCheckpoint = (reason: string, cause?: unknown): FedaiError =>
  new FedaiError(
    'BAD_CHECKPOINT',
    `the checkpoint cannot be read: ${reason}`,
    { expected: CHECKPOINT_FORMAT },
    { cause, remedy: 'start again in another folder' },
  );
