/** Thrift's compact protocol, as the heads of Parquet files are written in it: read with bounds on depth, number of values and every length. */
import { FedaiError } from '../../../core/index.ts';

export type Thrift = number | boolean | Uint8Array | readonly Thrift[] | ThriftStruct;
export type ThriftStruct = ReadonlyMap<number, Thrift>;

const MAX_DEPTH = 16;
const [STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12,
];

export const badParquet = (
  message: string,
  data: Record<string, unknown> = {},
  cause?: unknown,
): FedaiError =>
  new FedaiError('BAD_PARQUET', `Parquet: ${message}`, data, {
    cause,
    remedy: 'write the file again; see docs/cli.md for what is read',
  });

/** One struct from `at` on; at most `most` values in all. `place` names it in errors. */
export function readThrift(
  bytes: Uint8Array,
  at: number,
  place: string,
  most: number,
): { value: ThriftStruct; next: number } {
  const reader = createReader(bytes, at, place, most);
  const value = reader.struct(0);
  return { value, next: reader.position() };
}

function createReader(bytes: Uint8Array, start: number, place: string, most: number) {
  let at = start;
  let left = most;
  const fail = (what: string): FedaiError => badParquet(`${place}: ${what}`, { offset: at });
  const byte = (): number => {
    const value = bytes[at++];
    if (value === undefined) throw fail('cut off');
    return value;
  };
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const next = byte();
      value += (next & 127) * scale;
      if (next < 128) return value;
      if (scale > 2 ** 60) throw fail('a number has more than 64 bits');
    }
  };
  const zigzag = (): number => {
    const value = varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const skip = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw fail('a length leads beyond the end');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const list = (depth: number): Thrift[] => {
    const head = byte();
    const type = head & 15;
    const length = head >> 4 === 15 ? varint() : head >> 4;
    if (length > bytes.length - at) throw fail('a list is longer than its bytes');
    const isBool = type === TRUE || type === FALSE;
    return Array.from({ length }, () => element(isBool ? BYTE : type, depth));
  };
  function element(type: number, depth: number): Thrift {
    if (left-- <= 0) throw fail('it has too many values');
    if (type === TRUE || type === FALSE) return type === TRUE;
    if (type === BYTE) return byte();
    if (type === I16 || type === I32 || type === I64) return zigzag();
    if (type === DOUBLE) return skip(8);
    if (type === BINARY) return skip(varint());
    if (depth >= MAX_DEPTH) throw fail('it is nested too deeply');
    if (type === LIST || type === SET) return list(depth + 1);
    if (type === STRUCT) return struct(depth + 1);
    throw fail(`a value of the unknown type ${type}`);
  }
  function struct(depth: number): ThriftStruct {
    const fields = new Map<number, Thrift>();
    for (let id = 0; ; ) {
      const head = byte();
      if ((head & 15) === STOP) return fields;
      id = head >> 4 === 0 ? zigzag() : id + (head >> 4);
      fields.set(id, element(head & 15, depth));
    }
  }
  return { struct, position: () => at };
}

export const numberIn = (struct: ThriftStruct, id: number): number | undefined => {
  const value = struct.get(id);
  return typeof value === 'number' ? value : undefined;
};
export const structIn = (struct: ThriftStruct, id: number): ThriftStruct | undefined => {
  const value = struct.get(id);
  return value instanceof Map ? value : undefined;
};
export const structsIn = (struct: ThriftStruct, id: number): ThriftStruct[] => {
  const value = struct.get(id);
  return Array.isArray(value) ? value.filter((one): one is ThriftStruct => one instanceof Map) : [];
};
const decoder = new TextDecoder();
export const textIn = (struct: ThriftStruct, id: number): string => {
  const value = struct.get(id);
  return value instanceof Uint8Array ? decoder.decode(value) : '';
};
