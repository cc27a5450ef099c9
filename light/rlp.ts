/** Strict reading of RLP from strangers: bounded size, canonical form only, typed fields. */
import { decode, encode, type NestedUint8Array } from '@ethereumjs/rlp';
import { bytesToBigInt, equalBytes, FedaiError } from '../core/index.ts';

export type RlpItem = Uint8Array | NestedUint8Array;

const bad = (what: string, got: unknown, expected: unknown): FedaiError =>
  new FedaiError('BAD_RLP', `${what} is malformed`, { what, got, expected });

/** Decodes one RLP list of exactly `count` items (any number when omitted); throws `BAD_RLP`, also when not canonical. */
export function readList(bytes: Uint8Array, what: string, maxBytes: number, count?: number): RlpItem[] {
  if (bytes.length > maxBytes) throw bad(what, `${bytes.length} bytes`, `<= ${maxBytes} bytes`);
  let decoded: RlpItem;
  try {
    decoded = decode(bytes) as RlpItem;
    if (!equalBytes(encode(decoded), bytes)) throw bad(what, 'another encoding', 'canonical RLP');
  } catch (cause) {
    if (cause instanceof FedaiError) throw cause;
    throw new FedaiError('BAD_RLP', `${what} is not RLP`, { what }, { cause });
  }
  return readItems(decoded, what, count);
}

export function readItems(item: RlpItem | undefined, what: string, count?: number): RlpItem[] {
  if (!Array.isArray(item)) throw bad(what, 'bytes', 'a list');
  if (count !== undefined && item.length !== count) throw bad(what, item.length, count);
  return item;
}

/** Byte string whose length is one of `lengths`. */
export function readBytes(item: RlpItem | undefined, what: string, ...lengths: number[]): Uint8Array {
  if (!(item instanceof Uint8Array)) throw bad(what, 'a list', 'bytes');
  if (lengths.length > 0 && !lengths.includes(item.length)) throw bad(what, item.length, lengths);
  return item;
}

/** Unsigned integer without leading zeros that fits in `maxBytes`. */
export function readBigInt(item: RlpItem | undefined, what: string, maxBytes = 32): bigint {
  const bytes = readBytes(item, what);
  if (bytes.length > maxBytes || bytes[0] === 0)
    throw bad(what, bytes.length, `integer, <= ${maxBytes} bytes`);
  return bytesToBigInt(bytes);
}

/** Unsigned integer up to `max`. */
export function readUint(item: RlpItem | undefined, what: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = readBigInt(item, what, 8);
  if (value > BigInt(max)) throw bad(what, value, `<= ${max}`);
  return Number(value);
}
