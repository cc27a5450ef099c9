/** Nodes of a Merkle Patricia trie (Yellow Paper, appendix D): shapes, RLP, nibbles. Walking and changing is trie.ts. */
import { decode } from '@ethereumjs/rlp';
import { concatBytes, FedaiError } from '../../core/index.ts';

/** A path is one nibble a byte. `ref` is how the parent names the node: its RLP if under 32 bytes, else 0xa0 ‖ hash. */
export interface Leaf {
  readonly kind: 'leaf';
  readonly path: Uint8Array;
  readonly value: Uint8Array;
  ref: Uint8Array | undefined;
}
export interface Extension {
  readonly kind: 'extension';
  readonly path: Uint8Array;
  child: Node;
  ref: Uint8Array | undefined;
}
export interface Branch {
  readonly kind: 'branch';
  readonly children: (Node | null)[];
  ref: Uint8Array | undefined;
}
/** A node known by its hash only. */
export interface Unread {
  readonly kind: 'unread';
  readonly hash: Uint8Array;
  readonly ref: Uint8Array;
}
export type Node = Leaf | Extension | Branch | Unread;

const EMPTY_STRING = Uint8Array.of(0x80);
const HASH_PREFIX = 0xa0;

export function nibblesOf(key: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(key.length * 2);
  for (let i = 0; i < key.length; i++) {
    nibbles[2 * i] = key[i]! >> 4;
    nibbles[2 * i + 1] = key[i]! & 15;
  }
  return nibbles;
}

/** Hex-prefix encoding (Yellow Paper, appendix C). */
function packPath(path: Uint8Array, leaf: boolean): Uint8Array {
  const odd = path.length & 1;
  const packed = new Uint8Array((path.length >> 1) + 1);
  packed[0] = (leaf ? 0x20 : 0) | (odd ? 0x10 | path[0]! : 0);
  for (let i = odd, j = 1; i < path.length; i += 2, j++) packed[j] = (path[i]! << 4) | path[i + 1]!;
  return packed;
}

function rlpHeader(base: number, length: number): Uint8Array {
  if (length < 56) return Uint8Array.of(base + length);
  const size: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest & 255);
  return Uint8Array.of(base + 55 + size.length, ...size);
}

export function rlpString(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 1 && bytes[0]! < 0x80) return bytes;
  return concatBytes(rlpHeader(0x80, bytes.length), bytes);
}

function rlpList(items: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const item of items) length += item.length;
  return concatBytes(rlpHeader(0xc0, length), ...items);
}

/** RLP of a node, given how its children are named. */
export function encodeNode(node: Exclude<Node, Unread>, refOf: (child: Node) => Uint8Array): Uint8Array {
  if (node.kind === 'leaf') return rlpList([rlpString(packPath(node.path, true)), rlpString(node.value)]);
  if (node.kind === 'extension') {
    return rlpList([rlpString(packPath(node.path, false)), refOf(node.child)]);
  }
  const items = node.children.map((child) => (child === null ? EMPTY_STRING : refOf(child)));
  items.push(EMPTY_STRING);
  return rlpList(items);
}

export const hashRef = (hash: Uint8Array): Uint8Array => {
  const ref = new Uint8Array(33);
  ref[0] = HASH_PREFIX;
  ref.set(hash, 1);
  return ref;
};

export const unread = (hash: Uint8Array): Unread => ({ kind: 'unread', hash, ref: hashRef(hash) });

const malformed = (cause?: unknown): FedaiError =>
  new FedaiError(
    'STATE_CORRUPT',
    'a trie node in the database is malformed',
    {},
    {
      cause,
      remedy: 'restore the data directory from a copy, or delete it and synchronise again',
    },
  );

type RawNode = Uint8Array | RawNode[];

/** Throws `STATE_CORRUPT`. */
export function decodeNode(rlp: Uint8Array, ref: Uint8Array): Exclude<Node, Unread> {
  let raw: RawNode;
  try {
    raw = decode(rlp) as RawNode;
  } catch (cause) {
    throw malformed(cause);
  }
  return fromRaw(raw, ref);
}

function fromRaw(raw: RawNode, ref: Uint8Array | undefined): Exclude<Node, Unread> {
  if (!Array.isArray(raw)) throw malformed();
  if (raw.length === 17) {
    return { kind: 'branch', children: raw.slice(0, 16).map(childOf), ref };
  }
  const [packed, second] = raw;
  if (raw.length !== 2 || !(packed instanceof Uint8Array) || second === undefined) throw malformed();
  if (packed.length === 0) throw malformed();
  const nibbles = nibblesOf(packed);
  const path = nibbles.subarray(nibbles[0]! & 1 ? 1 : 2);
  if (nibbles[0]! >= 2) {
    if (!(second instanceof Uint8Array)) throw malformed();
    return { kind: 'leaf', path, value: second, ref };
  }
  const child = childOf(second);
  if (child === null) throw malformed();
  return { kind: 'extension', path, child, ref };
}

function childOf(raw: RawNode): Node | null {
  if (Array.isArray(raw)) return fromRaw(raw, undefined);
  if (raw.length === 0) return null;
  if (raw.length !== 32) throw malformed();
  return unread(raw);
}
