/** Wire and disk form of blocks. Strict and bounded, since blocks come from strangers; validity is the application's. */
import { type BlockHeader, createBlockHeaderFromRLP } from '@ethereumjs/block';
import type { Common } from '@ethereumjs/common';
import { encode } from '@ethereumjs/rlp';
import { equalBytes, FedaiError } from '../core/index.ts';
import {
  decodeCommit,
  decodeSection,
  encodeCommit,
  encodeSection,
  readBytes,
  readItems,
  readList,
} from '../light/index.ts';
import type { Block } from './types.ts';

/** A block full of the cheapest call data (10 gas a byte, EIP-7623) at 60 M gas is 6 MB. */
export const MAX_BLOCK_BYTES = 8 * 1024 * 1024;
/** 256 bytes of bloom and about 20 fields of up to 33. */
const MAX_HEADER_BYTES = 1024;

/** RLP [header, [transaction, …], section, parent commit or empty], each part as a byte string. */
export function encodeBlock(block: Block): Uint8Array {
  return encode([
    block.header.serialize(),
    [...block.transactions],
    encodeSection(block.section),
    block.parentCommit === null ? new Uint8Array(0) : encodeCommit(block.parentCommit),
  ]);
}

/** Throws `BAD_RLP`, also for a header that is not the canonical encoding of a Prague header. */
export function decodeBlock(bytes: Uint8Array, common: Common): Block {
  const items = readList(bytes, 'block', MAX_BLOCK_BYTES, 4);
  const commit = readBytes(items[3], 'parent commit');
  return {
    header: decodeHeader(readBytes(items[0], 'header'), common),
    transactions: readItems(items[1], 'transactions').map((raw) => readBytes(raw, 'transaction')),
    section: decodeSection(readBytes(items[2], 'section')),
    parentCommit: commit.length === 0 ? null : decodeCommit(commit),
  };
}

/** Throws `BAD_RLP`. */
export function decodeHeader(rlp: Uint8Array, common: Common): BlockHeader {
  if (rlp.length > MAX_HEADER_BYTES) {
    throw new FedaiError('BAD_RLP', 'header is too long', { got: rlp.length, expected: MAX_HEADER_BYTES });
  }
  let header: BlockHeader;
  try {
    header = createBlockHeaderFromRLP(rlp, { common });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.slice(0, 200) : '';
    throw new FedaiError('BAD_RLP', `header is malformed: ${why}`, {}, { cause });
  }
  if (!equalBytes(header.serialize(), rlp)) throw new FedaiError('BAD_RLP', 'header is not canonical');
  return header;
}
