/** Wire form and hash of block commits, and the bitmap of their signers. */
import { encode } from '@ethereumjs/rlp';
import { keccak256 } from '../core/index.ts';
import { readBytes, readList, readUint } from './rlp.ts';
import { MAX_ROUND } from './section.ts';
import type { BlockCommit } from './types.ts';

/** Bounds the bitmap, and so what a stranger's commit can cost; far above any set that BFT rounds serve well. */
export const MAX_VALIDATORS = 1024;

/** 8 + 4 + 32 + 128 + 96 bytes of fields and their prefixes, rounded up. */
export const MAX_COMMIT_BYTES = 320;

/** RLP [height, round, blockHash, bitmap, signature]. */
export function encodeCommit(commit: BlockCommit): Uint8Array {
  return encode([commit.height, commit.round, commit.blockHash, commit.bitmap, commit.signature]);
}

/** Throws `BAD_RLP`. */
export function decodeCommit(bytes: Uint8Array): BlockCommit {
  const items = readList(bytes, 'block commit', MAX_COMMIT_BYTES, 5);
  return {
    height: readUint(items[0], 'commit height'),
    round: readUint(items[1], 'commit round', MAX_ROUND),
    blockHash: readBytes(items[2], 'committed block hash', 32),
    bitmap: readBytes(items[3], 'commit bitmap'),
    signature: readBytes(items[4], 'commit signature', 96),
  };
}

export const commitHash = (commit: BlockCommit): Uint8Array => keccak256(encodeCommit(commit));

/** Bitmap over `count` validators with the bits of `indices` set. */
export function encodeBitmap(indices: readonly number[], count: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  for (const index of indices) bitmap[index >> 3] = bitmap[index >> 3]! | (1 << (index & 7));
  return bitmap;
}

/** Indices set in `bitmap`, ascending; undefined unless it is canonical for `count` validators. */
export function decodeBitmap(bitmap: Uint8Array, count: number): number[] | undefined {
  if (bitmap.length !== Math.ceil(count / 8)) return undefined;
  const indices: number[] = [];
  for (let i = 0; i < bitmap.length * 8; i++) {
    if (((bitmap[i >> 3]! >> (i & 7)) & 1) === 0) continue;
    if (i >= count) return undefined;
    indices.push(i);
  }
  return indices;
}
