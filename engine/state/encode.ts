/** Canonical bytes of tensors and training states: little-endian int32, sizes fixed by the model. */
import { bytesToBigInt, concatBytes, equalBytes, FedaiError, uintBytes, utf8 } from '../../core/index.ts';
import type { Model } from '../model.ts';
import type { TrainState } from './state.ts';

const MAGIC = utf8('fedai-train-state/1\n');
const COUNTER_BYTES = 8;

/** On most machines the values lie in memory as they are written. */
const IS_LITTLE_ENDIAN = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

export function tensorBytes(tensor: Int32Array): Uint8Array {
  if (IS_LITTLE_ENDIAN) return new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength).slice();
  const out = new Uint8Array(tensor.length * 4);
  const view = new DataView(out.buffer);
  for (let i = 0; i < tensor.length; i++) view.setInt32(4 * i, tensor[i]!, true);
  return out;
}

/** Reads `size` values at `offset`; throws `BAD_STATE` on −2^31, which no step can produce. */
export function readTensor(bytes: Uint8Array, offset: number, size: number): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tensor = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const value = view.getInt32(offset + 4 * i, true);
    if (value === -2147483648)
      throw new FedaiError('BAD_STATE', 'value out of range', { index: i, got: value });
    tensor[i] = value;
  }
  return tensor;
}

/** Length in bytes of every state of a model whose optimiser keeps `moments` tensors per tensor. */
export const stateLength = (model: Model, moments = 1): number =>
  MAGIC.length + COUNTER_BYTES + 4 * (1 + moments) * model.parameters;

/** magic ‖ counter u64be ‖ weights ‖ velocity. */
export function encodeState(state: TrainState): Uint8Array {
  const tensors = [...state.weights, ...state.velocity].map(tensorBytes);
  return concatBytes(MAGIC, uintBytes(state.counter, COUNTER_BYTES), ...tensors);
}

/** The one state that these bytes encode; throws `BAD_STATE` on any other length, magic or value. */
export function decodeState(model: Model, bytes: Uint8Array, moments = 1): TrainState {
  if (bytes.length !== stateLength(model, moments)) {
    throw new FedaiError('BAD_STATE', 'state has the wrong length', {
      got: bytes.length,
      expected: stateLength(model, moments),
    });
  }
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC))
    throw new FedaiError('BAD_STATE', 'not a training state');
  const counter = bytesToBigInt(bytes.subarray(MAGIC.length, MAGIC.length + COUNTER_BYTES));
  if (counter > BigInt(Number.MAX_SAFE_INTEGER))
    throw new FedaiError('BAD_STATE', 'counter out of range', { got: counter });
  let offset = MAGIC.length + COUNTER_BYTES;
  const read = (): Int32Array[] =>
    model.tensors.map(({ size }) => {
      const tensor = readTensor(bytes, offset, size);
      offset += 4 * size;
      return tensor;
    });
  const weights = read();
  return { counter: Number(counter), weights, velocity: Array.from({ length: moments }, read).flat() };
}
