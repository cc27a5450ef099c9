/** The content id of a file that fits in one block, without a store: the same that every store gives it. */
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { FedaiError, sha256 } from '../core/index.ts';

/** Leaves of UnixFS files as all stores here make them; a longer file is a tree of them. */
export const LEAF_BYTES = 2 ** 20;
const RAW_CODEC = 0x55;
const SHA2_256 = 0x12;

/** Throws `TOO_LARGE` for a file of more than one block. */
export function leafCid(bytes: Uint8Array): string {
  if (bytes.length > LEAF_BYTES)
    throw new FedaiError(
      'TOO_LARGE',
      'a part of the data is larger than one block',
      { got: bytes.length, expected: `<= ${LEAF_BYTES} bytes` },
      { remedy: 'use smaller records, or `fedai data import`' },
    );
  return CID.createV1(RAW_CODEC, create(SHA2_256, sha256(bytes))).toString();
}
