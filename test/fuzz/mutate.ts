/** Seeded hostile inputs: damaged samples and odd structures in JSON, RLP, DAG-CBOR and raw bytes. */

import { encode as rlp } from '@ethereumjs/rlp';
import * as cbor from '@ipld/dag-cbor';

export type Random = () => number;
type Nested = Uint8Array | Nested[];

/** Mulberry32: small, and the same on every machine. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (next: Random, count: number): number => Math.floor(next() * count);
export function bytesOf(next: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 1) bytes[i] = below(next, 256);
  return bytes;
}

const LENGTHS = [0, 1, 2, 8, 20, 32, 48, 64, 65, 96, 200];
const ODD_JSON = [
  '-0',
  '1e400',
  '9007199254740993',
  '"\\ud800"',
  'null',
  '{"__proto__":{"a":1}}',
  '[]',
  '""',
  '-1',
];
const DEPTH = 20_000;

function nested(next: Random, depth: number): Nested {
  if (depth === 0 || next() < 0.6) return bytesOf(next, LENGTHS[below(next, LENGTHS.length)] ?? 0);
  return Array.from({ length: below(next, 9) }, () => nested(next, depth - 1));
}

/** Bytes of no format or of one that the decoder may expect. */
export function invent(next: Random): Uint8Array {
  const kind = below(next, 400);
  if (kind === 0) return new TextEncoder().encode('['.repeat(DEPTH) + ']'.repeat(DEPTH));
  if (kind === 1) return new Uint8Array(DEPTH).fill(0x81);
  if (kind === 2) return new Uint8Array(DEPTH).fill(0xc1);
  if (kind < 40) return bytesOf(next, below(next, 300));
  if (kind < 80) return new TextEncoder().encode(ODD_JSON[kind % ODD_JSON.length]);
  const value = Array.from({ length: below(next, 9) }, () => nested(next, 3));
  return kind < 280 ? rlp(value) : cbor.encode(value);
}

/** One to three wounds to a sample: flipped, cut, grown, inflated to the largest length, or an odd value in a document. */
export function damage(sample: Uint8Array, next: Random): Uint8Array {
  let bytes = Uint8Array.from(sample);
  for (let wounds = 1 + below(next, 3); wounds > 0; wounds -= 1) {
    const at = below(next, bytes.length + 1);
    const kind = below(next, 5);
    if (kind === 0 && at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(next, 8));
    if (kind === 1) bytes = bytes.slice(0, at);
    if (kind === 2) bytes = joined(bytes.subarray(0, at), bytesOf(next, 9), bytes.subarray(at));
    if (kind === 3) bytes.fill(0xff, at, at + 4);
    if (kind === 4) bytes = oddValue(bytes, next);
  }
  return bytes;
}

export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function oddValue(bytes: Uint8Array, next: Random): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder().decode(bytes);
  const odd = ODD_JSON[below(next, ODD_JSON.length)] ?? 'null';
  let skip = below(next, 20);
  return new TextEncoder().encode(text.replace(/:(\d+|"[^"]*")/g, (all) => (skip-- === 0 ? `:${odd}` : all)));
}
