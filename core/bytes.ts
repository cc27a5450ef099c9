/** Byte-string helpers shared by every folder. Owns no encodings with meaning (those live beside their documents). */
import { FedaiError } from './errors.ts';

export type Hex = `0x${string}`;

const HEX_PATTERN = /^0x(?:[0-9a-f]{2})*$/i;

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case `0x` hex of any length. */
export function toHex(bytes: Uint8Array): Hex {
  let text = '0x';
  for (const byte of bytes) text += HEX_OF_BYTE[byte];
  return text as Hex;
}

/** Parses `0x` hex; throws `BAD_HEX` on anything else, or when `length` (bytes) is given and differs. */
export function fromHex(text: string, length?: number): Uint8Array {
  if (!HEX_PATTERN.test(text))
    throw new FedaiError('BAD_HEX', 'not 0x-prefixed hex', { got: text.slice(0, 80) });
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16);
  if (length !== undefined && bytes.length !== length) {
    throw new FedaiError('BAD_HEX', 'wrong number of bytes', { got: bytes.length, expected: length });
  }
  return bytes;
}

export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Unsigned big-endian integer of a fixed width in bytes; throws `OUT_OF_RANGE` when it does not fit. */
export function uintBytes(value: number | bigint, width: number): Uint8Array {
  let rest = BigInt(value);
  const out = new Uint8Array(width);
  for (let i = width - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  if (rest !== 0n)
    throw new FedaiError('OUT_OF_RANGE', 'integer does not fit', { got: value, widthBytes: width });
  return out;
}

/** Reads an unsigned big-endian integer. */
export function bytesToBigInt(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
