/** Hostile bytes that keep their format: valid samples in RLP, JSON or DAG-CBOR with single parts swapped for odd ones. */
import { decode as rlpDecode, encode as rlpEncode } from '@ethereumjs/rlp';
import * as cbor from '@ipld/dag-cbor';
import { equalBytes } from '../../core/index.ts';
import { bytesOf, type Random } from './mutate.ts';

export type Format = 'rlp' | 'json' | 'cbor' | 'bytes';
type Tree = unknown[] | Record<string, unknown>;
type Place = { parent: Tree; key: string | number };

export const below = (next: Random, count: number): number => Math.floor(next() * count);
const pick = <T>(next: Random, values: readonly T[]): T => values[below(next, values.length)]!;

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !isBytes(value) && Reflect.get(value, 'asCID') !== value;

/** Every place of a value in the tree, the root's box first. */
function placesOf(box: Tree): Place[] {
  const places: Place[] = [];
  const waiting: Tree[] = [box];
  for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
    for (const key of Array.isArray(parent) ? parent.keys() : Object.keys(parent)) {
      places.push({ parent, key });
      const value: unknown = Reflect.get(parent, key);
      if (isTree(value)) waiting.push(value);
    }
  }
  return places;
}

const LENGTHS = [0, 1, 2, 4, 8, 9, 20, 31, 32, 33, 47, 48, 49, 55, 56, 65, 95, 96, 97, 300] as const;

function oddBytes(old: unknown, next: Random): unknown {
  const length = pick(next, LENGTHS);
  const kind = below(next, 8);
  if (kind === 0) return new Uint8Array(length).fill(255);
  if (kind === 1) return new Uint8Array(length);
  if (kind === 2 && isBytes(old)) return Uint8Array.of(0, ...old);
  if (kind === 3 && isBytes(old)) return old.slice(0, below(next, old.length + 1));
  if (kind === 4 && isBytes(old)) return Uint8Array.from([...old, ...bytesOf(next, 1 + below(next, 40))]);
  if (kind === 5 && isBytes(old) && old.length > 0) {
    const flipped = Uint8Array.from(old);
    const at = below(next, old.length);
    flipped[at] = flipped[at]! ^ (1 << below(next, 8));
    return flipped;
  }
  if (kind === 6) return bytesOf(next, length);
  return Uint8Array.of(below(next, 256));
}

const ODD_NUMBERS = [
  ...[0, -0, -1, 1, 2, 3, 0.5, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53)],
  ...[1e21, 1e308, Number.MIN_VALUE],
];
const ODD_TEXTS = [
  ...['', ' ', '0', '-1', '0x', '0x0', '0X1f', '1e9', '__proto__', '\ud800', '\u0000', 'é'.repeat(40)],
  ...['9'.repeat(79), `0x${'f'.repeat(64)}`, `0x${'f'.repeat(130)}`, 'x'.repeat(5_000)],
  ...[
    'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
    'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n',
  ],
];

/** A number becomes another as often as something else: ranges are checked behind types. */
function oddJson(old: unknown, next: Random): unknown {
  if (typeof old === 'number' && next() < 0.5) return old + pick(next, [-1, 1, 0.5, old, 2 ** 32]);
  if (typeof old === 'string' && next() < 0.3) {
    const at = below(next, old.length + 1);
    return old.slice(0, at) + pick(next, ['', '0', 'f', 'G', '\u00e9', ' ']) + old.slice(at + below(next, 2));
  }
  const kind = below(next, 10);
  if (kind < 4) return pick(next, ODD_NUMBERS);
  if (kind < 7) return pick(next, ODD_TEXTS);
  if (kind === 7) return pick(next, [null, true, false]);
  if (kind === 8) return Array.from({ length: below(next, 70) }, () => (isTree(old) ? 0 : old));
  return { [pick(next, ['kind', 'toString', 'constructor', 'length', 'x'])]: old };
}

const oddOf: Record<Exclude<Format, 'bytes'>, (old: unknown, next: Random) => unknown> = {
  rlp: oddBytes,
  json: oddJson,
  cbor: (old, next) => (next() < 0.6 && isBytes(old) ? oddBytes(old, next) : oddJson(old, next)),
};

function nest(value: unknown, depth: number): unknown {
  let nested = value;
  for (let i = 0; i < depth; i++) nested = [nested];
  return nested;
}

/** One wound at a random place: an odd value, or a changed structure. */
function wound(box: Tree, format: Exclude<Format, 'bytes'>, next: Random): void {
  const places = placesOf(box);
  const { parent, key } = pick(next, places);
  const value: unknown = Reflect.get(parent, key);
  const inner = format === 'rlp' && isBytes(value) ? innerList(value) : undefined;
  const kind = below(next, 12);
  if (inner !== undefined && kind < 9) {
    const held: Tree = [inner];
    wound(held, format, next);
    Reflect.set(parent, key, rlpEncode(held[0] as Uint8Array));
  } else if (kind < 6) Reflect.set(parent, key, oddOf[format](value, next));
  else if (kind === 6) Reflect.set(parent, key, nest(value, pick(next, [1, 1, 1, 2, 200])));
  else if (kind === 7) Reflect.set(parent, key, copyOf(Reflect.get(...other(places, next))));
  else if (kind === 8) Reflect.set(parent, key, []);
  else if (!Array.isArray(parent)) {
    if (kind < 11) delete parent[key];
    else Object.defineProperty(parent, pick(next, ['__proto__', 'extra']), { value, enumerable: true });
  } else if (kind === 9) parent.splice(Number(key), 1);
  else if (kind === 10)
    parent.splice(Number(key), 0, ...Array.from({ length: pick(next, [1, 1, 2, 60]) }, () => value));
  else parent.reverse();
}

/** A part may be put into itself: only as a copy does it have an end. */
function copyOf(value: unknown): unknown {
  if (!isTree(value)) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copyOf(part)]));
}

function other(places: readonly Place[], next: Random): [Tree, string | number] {
  const { parent, key } = pick(next, places);
  return [parent, key];
}

/** What lies within a byte string that is itself the canonical form of a list. */
function innerList(bytes: Uint8Array): unknown[] | undefined {
  if (bytes.length < 2 || bytes[0]! < 0xc0) return undefined;
  try {
    const list = rlpDecode(bytes);
    return Array.isArray(list) && equalBytes(rlpEncode(list), bytes) ? list : undefined;
  } catch {
    return undefined;
  }
}

function read(bytes: Uint8Array, format: Exclude<Format, 'bytes'>): unknown {
  if (format === 'rlp') return rlpDecode(bytes);
  return format === 'cbor' ? cbor.decode(bytes) : JSON.parse(new TextDecoder().decode(bytes));
}

function write(value: unknown, format: Exclude<Format, 'bytes'>): Uint8Array {
  if (format === 'rlp') return rlpEncode(value as Uint8Array);
  return format === 'cbor' ? cbor.encode(value) : new TextEncoder().encode(JSON.stringify(value) ?? '');
}

/** The sample with one to three odd parts; undefined when what came out has no form (the caller takes another wound). */
export function reshape(
  sample: Uint8Array,
  format: Exclude<Format, 'bytes'>,
  next: Random,
): Uint8Array | undefined {
  const box: Tree = [read(sample, format)];
  // A tree may now be too deep for the encoder, or a number one that DAG-CBOR has not.
  try {
    for (let wounds = 1 + below(next, 3); wounds > 0; wounds--) wound(box, format, next);
    return write(box[0], format);
  } catch {
    return undefined;
  }
}
