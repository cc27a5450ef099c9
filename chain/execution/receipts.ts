/** Receipts, blooms and the roots over lists, as Ethereum's headers commit to them (EIP-2718, Yellow Paper 4.3.1). */
import { encode } from '@ethereumjs/rlp';
import { concatBytes } from '../../core/index.ts';
import { fastKeccak } from './common.ts';
import { EMPTY_ROOT, Trie } from './trie.ts';
import type { Log, Receipt } from './types.ts';

export const BLOOM_BYTES = 256;

/** Byte index and bit mask of the three bits of an item. */
function bloomBits(item: Uint8Array): [byte: number, mask: number][] {
  const hash = fastKeccak(item);
  return [0, 2, 4].map((at) => {
    const bit = ((hash[at]! << 8) | hash[at + 1]!) & 2047;
    return [BLOOM_BYTES - 1 - (bit >> 3), 1 << (bit & 7)];
  });
}

function addToBloom(bloom: Uint8Array, item: Uint8Array): void {
  for (const [byte, mask] of bloomBits(item)) bloom[byte] = bloom[byte]! | mask;
}

/** A test of blooms: whether a log with this address or topic may be under one. The item is hashed once. */
export function bloomTester(item: Uint8Array): (bloom: Uint8Array) => boolean {
  const bits = bloomBits(item);
  return (bloom) => bits.every(([byte, mask]) => (bloom[byte]! & mask) !== 0);
}

export function bloomOf(logs: readonly Log[]): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const log of logs) {
    addToBloom(bloom, log.address);
    for (const topic of log.topics) addToBloom(bloom, topic);
  }
  return bloom;
}

export function unionBloom(blooms: readonly Uint8Array[]): Uint8Array {
  const union = new Uint8Array(BLOOM_BYTES);
  for (const bloom of blooms) for (let i = 0; i < BLOOM_BYTES; i++) union[i] = union[i]! | bloom[i]!;
  return union;
}

/** The consensus form of a receipt. */
export function encodeConsensusReceipt(receipt: Receipt): Uint8Array {
  const body = encode([
    receipt.succeeded ? 1 : 0,
    receipt.cumulativeGasUsed,
    receipt.bloom,
    receipt.logs.map((log) => [log.address, [...log.topics], log.data]),
  ]);
  return receipt.type === 0 ? body : concatBytes(Uint8Array.of(receipt.type), body);
}

const noNodes = { node: () => undefined };

/** Root of the trie index → item. */
export function listRoot(items: readonly Uint8Array[]): Uint8Array {
  const trie = new Trie(noNodes, EMPTY_ROOT);
  items.forEach((item, index) => {
    trie.put(encode(index), item);
  });
  return trie.seal();
}
