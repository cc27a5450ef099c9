/** Content ids: whether bytes are what a CID names, and whether blocks form a path of links. Owns no fetching. */
import * as dagCbor from '@ipld/dag-cbor';
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import { equalBytes } from './bytes.ts';
import { FedaiError } from './errors.ts';
import { sha256 } from './hash.ts';

const SHA2_256 = 0x12;
const RAW = 0x55;
const CODECS: readonly number[] = [RAW, dagPb.code, dagCbor.code];
/** As Bitswap has it; a block is hashed whole before any of it can be trusted. */
export const MAX_BLOCK_BYTES = 2 * 2 ** 20;
/** UnixFS trees of 2^50 bytes are five levels deep. */
const MAX_PATH_BLOCKS = 16;
const MAX_CID_CHARS = 128;

/** Parses a CIDv1 of SHA-256 and a known codec (raw, dag-pb, dag-cbor); throws `BAD_CID`. */
export function parseCid(text: string): CID {
  let cid: CID;
  try {
    if (text.length > MAX_CID_CHARS) throw new RangeError('too long');
    cid = CID.parse(text);
  } catch (cause) {
    throw badCid(text, cause);
  }
  if (cid.version !== 1 || cid.multihash.code !== SHA2_256 || cid.multihash.digest.length !== 32) {
    throw badCid(text, 'not version 1 with a SHA-256 hash');
  }
  if (!CODECS.includes(cid.code)) throw badCid(text, `codec 0x${cid.code.toString(16)}`);
  return cid;
}

/** Whether `bytes` (one block) hash to `cid`. */
export function isBlockOf(cid: CID, bytes: Uint8Array): boolean {
  if (bytes.length > MAX_BLOCK_BYTES || cid.multihash.code !== SHA2_256) return false;
  return equalBytes(sha256(bytes), cid.multihash.digest);
}

/** Throws `CONTENT_MISMATCH` unless `bytes` are the block that `cid` names. */
export function checkBlock(cid: CID, bytes: Uint8Array): void {
  if (!isBlockOf(cid, bytes)) {
    throw new FedaiError(
      'CONTENT_MISMATCH',
      'bytes do not hash to their content id',
      { cid: cid.toString() },
      {
        remedy: 'the sender is broken or dishonest; fetch from another peer',
      },
    );
  }
}

/** Ids that a block links to. The bytes must have been checked. */
export function blockLinks(cid: CID, bytes: Uint8Array): CID[] {
  if (cid.code === dagPb.code) return dagPb.decode(bytes).Links.map((link) => CID.asCID(link.Hash)!);
  if (cid.code === dagCbor.code) return cborLinks(dagCbor.decode(bytes));
  return [];
}

/**
 * Whether `path` leads from `root` to `leaf`: each block hashes to its id and holds a link to the next. `path` starts at
 * the root's bytes and ends at the leaf's.
 */
export function verifyCidPath(root: CID, leaf: CID, path: readonly Uint8Array[]): boolean {
  if (path.length === 0 || path.length > MAX_PATH_BLOCKS) return false;
  let expected: CID[] = [root];
  let current: CID | undefined;
  for (const bytes of path) {
    current = expected.find((cid) => isBlockOf(cid, bytes));
    if (!current) return false;
    try {
      expected = blockLinks(current, bytes);
    } catch {
      return false;
    }
  }
  return current!.equals(leaf);
}

function cborLinks(value: unknown): CID[] {
  const cid = CID.asCID(value);
  if (cid) return [cid];
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return [];
  return Object.values(value).flatMap(cborLinks);
}

function badCid(text: string, cause: unknown): FedaiError {
  return new FedaiError(
    'BAD_CID',
    'not a content id that fedai reads',
    { got: text.slice(0, 80) },
    {
      cause,
      remedy: 'give a CIDv1 with a SHA-256 hash, as `fedai data import` prints it',
    },
  );
}
