/** Typed text of a form as values of the ABI, with what is wrong in plain words. Pure. */
import { getAddress, type ParamType } from 'ethers';

/** As typed: one text for a plain type or a list, one for each part of a tuple. */
export type Typed = string | readonly Typed[];

export class TypedFault extends RangeError {}

const fault = (words: string): TypedFault => new TypedFault(words);

export const emptyOf = (type: ParamType): Typed =>
  type.baseType === 'tuple' ? (type.components ?? []).map(emptyOf) : type.type === 'bool' ? 'false' : '';

/** Throws `TypedFault`. */
export function typedValue(type: ParamType, typed: Typed): unknown {
  if (type.baseType === 'tuple') {
    const parts = typeof typed === 'string' ? [] : typed;
    return (type.components ?? []).map((part, i) => typedValue(part, parts[i] ?? emptyOf(part)));
  }
  const text = String(typed).trim();
  if (type.baseType === 'array') return listOf(type, text);
  return plainOf(type.type, text);
}

function listOf(type: ParamType, text: string): unknown[] {
  const item = type.arrayChildren!;
  const items = item.baseType === 'tuple' || item.baseType === 'array' ? jsonOf(text) : linesOf(text);
  if (type.arrayLength !== null && type.arrayLength >= 0 && items.length !== type.arrayLength)
    throw fault(`${type.arrayLength} items, not ${items.length}`);
  return items.map((one) => fromJson(item, one));
}

const linesOf = (text: string): string[] => text.split(/[\s,]+/).filter((one) => one !== '');

function jsonOf(text: string): unknown[] {
  if (text === '') return [];
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw fault('a list in JSON, such as [["0x…", 1]]');
}

function fromJson(type: ParamType, value: unknown): unknown {
  if (type.baseType !== 'tuple')
    return type.baseType === 'array'
      ? (Array.isArray(value) ? value : []).map((one) => fromJson(type.arrayChildren!, one))
      : plainOf(type.type, String(value));
  const parts = type.components ?? [];
  const given: unknown[] = Array.isArray(value)
    ? value
    : parts.map(({ name }) => (value as Record<string, unknown> | null)?.[name]);
  return parts.map((part, i) => fromJson(part, given[i]));
}

function plainOf(type: string, text: string): unknown {
  if (type === 'bool') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw fault('true or false');
  }
  if (type === 'string') return text;
  if (type === 'address') return addressOf(text);
  const [, sign, bits] = /^(u?)int(\d+)$/.exec(type) ?? [];
  if (bits !== undefined) return integerOf(text, Number(bits), sign === '');
  const [, size] = /^bytes(\d*)$/.exec(type) ?? [];
  return bytesOf(text, size === '' || size === undefined ? undefined : Number(size));
}

function addressOf(text: string): string {
  try {
    return getAddress(/^0x[0-9a-f]{40}$/i.test(text) ? text : '');
  } catch {
    throw fault(
      /^0x[0-9a-f]{40}$/i.test(text)
        ? 'its checksum is wrong: look at it again'
        : 'an address: 0x and 40 digits',
    );
  }
}

function integerOf(text: string, bits: number, isSigned: boolean): bigint {
  if (!/^-?(?:\d{1,78}|0x[0-9a-f]{1,64})$/i.test(text)) throw fault('a whole number');
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  const top = 2n ** BigInt(isSigned ? bits - 1 : bits);
  if (value >= top || value < (isSigned ? -top : 0n))
    throw fault(isSigned ? `within ${bits} bits` : `from 0 to 2^${bits} − 1`);
  return value;
}

const MAX_BYTES = 65_536;

function bytesOf(text: string, size: number | undefined): string {
  if (!/^0x(?:[0-9a-f]{2})*$/i.test(text)) throw fault('bytes in hex: 0x and pairs of digits');
  const length = (text.length - 2) / 2;
  if (size !== undefined && length !== size) throw fault(`${size} bytes, not ${length}`);
  if (length > MAX_BYTES) throw fault(`at most ${MAX_BYTES} bytes`);
  return text;
}
