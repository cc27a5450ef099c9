/** Binary SHA-256 Merkle trees as in RFC 6962 (leaf prefix 0x00, node prefix 0x01; no duplicated leaves). */
import { concatBytes, equalBytes } from './bytes.ts';
import { sha256 } from './hash.ts';

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

export const merkleLeaf = (data: Uint8Array): Uint8Array => sha256(concatBytes(LEAF_PREFIX, data));
const merkleNode = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  sha256(concatBytes(NODE_PREFIX, left, right));

/** Largest power of two strictly below n (n ≥ 2), the split point of RFC 6962 section 2.1. */
function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** Root over already hashed leaves; the root of no leaves is SHA-256 of nothing. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return leaves[0]!;
  const k = splitPoint(leaves.length);
  return merkleNode(merkleRoot(leaves.slice(0, k)), merkleRoot(leaves.slice(k)));
}

/** Audit path of leaf `index`, from the leaf up. */
export const merklePath = (leaves: readonly Uint8Array[], index: number): Uint8Array[] =>
  merkleTree(leaves).path(index);

export interface MerkleTree {
  readonly root: Uint8Array;
  /** Audit path of leaf `index`, from the leaf up. */
  path(index: number): Uint8Array[];
}

/** A tree that gives many paths: each inner node is hashed once. */
export function merkleTree(leaves: readonly Uint8Array[]): MerkleTree {
  const known = new Map<string, Uint8Array>();
  const rootOf = (from: number, to: number): Uint8Array => {
    if (to - from === 1) return leaves[from]!;
    const key = `${from}-${to}`;
    const k = from + splitPoint(to - from);
    const node = known.get(key) ?? merkleNode(rootOf(from, k), rootOf(k, to));
    known.set(key, node);
    return node;
  };
  const pathIn = (index: number, from: number, to: number): Uint8Array[] => {
    if (to - from <= 1) return [];
    const k = from + splitPoint(to - from);
    return index < k
      ? [...pathIn(index, from, k), rootOf(k, to)]
      : [...pathIn(index, k, to), rootOf(from, k)];
  };
  return {
    root: leaves.length === 0 ? merkleRoot([]) : rootOf(0, leaves.length),
    path: (index) => pathIn(index, 0, leaves.length),
  };
}

/** Whether `leaf` is number `index` of `count` leaves under `root`. Bounded by the depth that `count` allows. */
export function verifyMerklePath(
  root: Uint8Array,
  leaf: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) return false;
  const computed = climb(leaf, index, count, path);
  return computed !== undefined && equalBytes(computed, root);
}

function climb(
  leaf: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (count === 1) return path.length === 0 ? leaf : undefined;
  const sibling = path.at(-1);
  if (sibling === undefined || sibling.length !== 32) return undefined;
  const k = splitPoint(count);
  const below = path.slice(0, -1);
  if (index < k) {
    const left = climb(leaf, index, k, below);
    return left && merkleNode(left, sibling);
  }
  const right = climb(leaf, index - k, count - k, below);
  return right && merkleNode(sibling, right);
}
