/** Wire forms of catch-up: how far a chain is, and ranges of final blocks with their commits. */
import type { Common } from '@ethereumjs/common';
import { encode } from '@ethereumjs/rlp';
import {
  type BlockCommit,
  decodeCommit,
  encodeCommit,
  MAX_COMMIT_BYTES,
  readBytes,
  readList,
  readUint,
} from '../../light/index.ts';
import { decodeBlock, MAX_BLOCK_BYTES } from '../block.ts';
import type { Block } from '../types.ts';

export interface ChainStatus {
  /** Hash of block 0, 32 bytes: two chains with one id are still two chains. */
  genesisHash: Uint8Array;
  height: number;
  /** Hash of the block at `height`, 32 bytes. */
  headHash: Uint8Array;
  /** Proof that this block is final; null at height 0. */
  commit: BlockCommit | null;
}

export interface BlockRange {
  from: number;
  count: number;
}

export interface FinalBlock {
  block: Block;
  commit: BlockCommit;
}

export const MAX_STATUS_BYTES = 128 + MAX_COMMIT_BYTES;
export const MAX_RANGE_BYTES = 32;
/** Blocks asked for at once: a second's worth of verification, a loss that a lying peer can cause at most. */
export const MAX_RANGE_BLOCKS = 32;
/** A range ends early at this size, whatever was asked for. */
export const MAX_RANGE_ANSWER_BYTES = 2 * MAX_BLOCK_BYTES;

export const encodeStatus = ({ genesisHash, height, headHash, commit }: ChainStatus): Uint8Array =>
  encode([genesisHash, height, headHash, commit === null ? new Uint8Array(0) : encodeCommit(commit)]);

/** Throws `BAD_RLP`. */
export function decodeStatus(bytes: Uint8Array): ChainStatus {
  const items = readList(bytes, 'chain status', MAX_STATUS_BYTES, 4);
  const commit = readBytes(items[3], 'commit');
  return {
    genesisHash: readBytes(items[0], 'genesis hash', 32),
    height: readUint(items[1], 'height'),
    headHash: readBytes(items[2], 'head hash', 32),
    commit: commit.length === 0 ? null : decodeCommit(commit),
  };
}

export const encodeRange = ({ from, count }: BlockRange): Uint8Array => encode([from, count]);

/** Throws `BAD_RLP`. */
export function decodeRange(bytes: Uint8Array): BlockRange {
  const items = readList(bytes, 'block range', MAX_RANGE_BYTES, 2);
  return { from: readUint(items[0], 'first height'), count: readUint(items[1], 'count', MAX_RANGE_BLOCKS) };
}

/** `block` as `encodeBlock` made it. */
export const encodeFinalBlock = (block: Uint8Array, commit: BlockCommit): Uint8Array =>
  encode([block, encodeCommit(commit)]);

/** Throws `BAD_RLP`. */
export function decodeFinalBlock(bytes: Uint8Array, common: Common): FinalBlock {
  const limit = MAX_BLOCK_BYTES + MAX_COMMIT_BYTES + 16;
  const items = readList(bytes, 'final block', limit, 2);
  return {
    block: decodeBlock(readBytes(items[0], 'block'), common),
    commit: decodeCommit(readBytes(items[1], 'commit')),
  };
}
