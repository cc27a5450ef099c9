/** The wire format of Protocol Buffers: reading with bounds, writing. Knows no message; a length never leads outside of its bytes. */
import { concatBytes, FedaiError, utf8 } from '../../core/index.ts';

export type Field =
  | { readonly number: number; readonly kind: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly kind: 'fixed' | 'bytes'; readonly value: Uint8Array };

const bad = (message: string, offset: number): FedaiError =>
  new FedaiError(
    'BAD_ONNX',
    `not an ONNX file: ${message}`,
    { offset },
    { remedy: 'export the model again' },
  );

const MAX_VARINT_BYTES = 10;

function readVarint(bytes: Uint8Array, start: number): { value: bigint; next: number } {
  let value = 0n;
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw bad('a number is cut off', start);
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, next: start + i + 1 };
  }
  throw bad('a number has more than 64 bits', start);
}

/** The fields of a message in order. Values are views, so a lying length costs nothing. Throws `BAD_ONNX`. */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  while (at < bytes.length) {
    const key = readVarint(bytes, at);
    const number = Number(key.value >> 3n);
    const wire = Number(key.value & 7n);
    if (wire === 0) {
      const { value, next } = readVarint(bytes, key.next);
      yield { number, kind: 'varint', value: BigInt.asIntN(64, value) };
      at = next;
      continue;
    }
    if (wire !== 1 && wire !== 2 && wire !== 5) throw bad(`wire type ${wire}`, at);
    const { value: length, next } =
      wire === 2 ? readVarint(bytes, key.next) : { value: wire === 1 ? 8n : 4n, next: key.next };
    if (length > BigInt(bytes.length - next)) throw bad('a length leads beyond the end', at);
    at = next + Number(length);
    yield { number, kind: wire === 2 ? 'bytes' : 'fixed', value: bytes.subarray(next, at) };
  }
}

/** Whole numbers of a repeated field, packed or not. */
export function varintsOf(field: Field): bigint[] {
  if (field.kind === 'varint') return [field.value];
  const values: bigint[] = [];
  for (let at = 0; at < field.value.length; ) {
    const { value, next } = readVarint(field.value, at);
    values.push(BigInt.asIntN(64, value));
    at = next;
  }
  return values;
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** One field: a whole number, a string, or the bytes of a message. */
export function field(number: number, value: number | string | Uint8Array): Uint8Array {
  if (typeof value === 'number') return concatBytes(varint(BigInt(number << 3)), varint(BigInt(value)));
  const bytes = typeof value === 'string' ? utf8(value) : value;
  return concatBytes(varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes);
}
