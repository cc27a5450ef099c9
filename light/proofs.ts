/**
 * Checks account and storage proofs (EIP-1186, as `eth_getProof` answers them) against a state root that the caller
 * trusts. Own, strict walk through Merkle Patricia nodes: each node must hash to what its parent names.
 */
import { decode } from '@ethereumjs/rlp';
import { bytesToBigInt, equalBytes, FedaiError, fromHex, type Hex, keccak256 } from '../core/index.ts';
import { type RlpItem, readBigInt, readBytes, readList } from './rlp.ts';

export interface Account {
  nonce: bigint;
  balance: bigint;
  /** 32 bytes. */
  storageRoot: Uint8Array;
  /** 32 bytes. */
  codeHash: Uint8Array;
}

/** 64 nibbles of a hashed key need at most 65 nodes. */
const MAX_PROOF_NODES = 65;
/** A branch of 17 items with hashes is 532 bytes; values in the state are short. */
const MAX_NODE_BYTES = 1024;
/** Keccak-256 of the empty trie's RLP, 0x80. */
export const EMPTY_TRIE_ROOT = keccak256(Uint8Array.of(0x80));

const bad = (reason: string, data: Record<string, unknown> = {}): FedaiError =>
  new FedaiError('BAD_PROOF', reason, data);

/** The account at `address` under `stateRoot`, or null when the proof shows that there is none; throws `BAD_PROOF`. */
export function verifyAccountProof(
  stateRoot: Uint8Array,
  address: Hex,
  proof: readonly Hex[],
): Account | null {
  const value = walk(stateRoot, keccak256(fromHex(address, 20)), proof);
  if (value === null) return null;
  const items = readList(value, 'account', MAX_NODE_BYTES, 4);
  return {
    nonce: readBigInt(items[0], 'nonce', 8),
    balance: readBigInt(items[1], 'balance'),
    storageRoot: readBytes(items[2], 'storage root', 32),
    codeHash: readBytes(items[3], 'code hash', 32),
  };
}

/** The 256-bit value at `slot` (32 bytes) under an account's storage root; 0 when absent; throws `BAD_PROOF`. */
export function verifyStorageProof(storageRoot: Uint8Array, slot: Uint8Array, proof: readonly Hex[]): bigint {
  const value = walk(storageRoot, keccak256(slot), proof);
  if (value === null) return 0n;
  let decoded: RlpItem;
  try {
    decoded = decode(value) as RlpItem;
  } catch {
    throw bad('stored value is not RLP');
  }
  if (!(decoded instanceof Uint8Array) || decoded.length > 32) throw bad('stored value is malformed');
  return bytesToBigInt(decoded);
}

/** The value of `key` (32 bytes), or null when the nodes prove its absence. Every node given must be used. */
function walk(root: Uint8Array, key: Uint8Array, proof: readonly Hex[]): Uint8Array | null {
  if (proof.length > MAX_PROOF_NODES) throw bad('proof is too long', { got: proof.length });
  if (proof.length === 0) {
    if (equalBytes(root, EMPTY_TRIE_ROOT)) return null;
    throw bad('proof is empty');
  }
  const nodes = proof.map((node) => fromHex(node));
  const path = nibblesOf(key);
  let used = 0;
  let depth = 0;
  let reference: RlpItem | undefined = root;
  for (;;) {
    if (reference instanceof Uint8Array && reference.length === 0) return finish(null, used, nodes);
    const items: RlpItem[] = isEmbedded(reference) ? reference : nextNode(reference, nodes[used++]);
    const step = follow(items, path, depth);
    if ('value' in step) return finish(step.value, used, nodes);
    depth = step.depth;
    reference = step.reference;
  }
}

const isEmbedded = (reference: RlpItem | undefined): reference is RlpItem[] => Array.isArray(reference);

function finish(value: Uint8Array | null, used: number, nodes: readonly Uint8Array[]): Uint8Array | null {
  if (used !== nodes.length) throw bad('proof has nodes that prove nothing', { used, got: nodes.length });
  return value;
}

function nextNode(reference: Uint8Array | undefined, node: Uint8Array | undefined): RlpItem[] {
  if (node === undefined) throw bad('proof ends before the value');
  if (reference === undefined || !equalBytes(keccak256(node), reference))
    throw bad('a node does not hash to what its parent names');
  return readList(node, 'trie node', MAX_NODE_BYTES);
}

type Followed = { value: Uint8Array | null } | { reference: RlpItem | undefined; depth: number };

/** One step down from a branch (17 items), extension or leaf (2 items). */
function follow(items: RlpItem[], path: readonly number[], depth: number): Followed {
  if (items.length === 17) {
    const nibble = path[depth];
    if (nibble === undefined) throw bad('path ends at a branch');
    return { reference: items[nibble], depth: depth + 1 };
  }
  if (items.length !== 2) throw bad('node is neither branch, extension nor leaf', { items: items.length });
  const { isLeaf, nibbles } = readPath(readBytes(items[0], 'node path'));
  const fits = nibbles.every((nibble, i) => path[depth + i] === nibble);
  if (!fits) return { value: null };
  const next = depth + nibbles.length;
  if (!isLeaf) return { reference: items[1], depth: next };
  return { value: next === path.length ? readBytes(items[1], 'leaf value') : null };
}

/** Hex-prefix encoding, yellow paper appendix C. */
function readPath(encoded: Uint8Array): { isLeaf: boolean; nibbles: number[] } {
  const all = nibblesOf(encoded);
  const flag = all[0];
  if (flag === undefined || flag > 3) throw bad('node path is malformed');
  const isOdd = (flag & 1) === 1;
  if (!isOdd && all[1] !== 0) throw bad('node path is padded with something');
  return { isLeaf: flag >= 2, nibbles: all.slice(isOdd ? 1 : 2) };
}

const nibblesOf = (bytes: Uint8Array): number[] => [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
