/** The manifest `fedai-dataset/1` of a data set: what the records are, where their shards lie, and the Merkle root of the plaintext. Owns its validation. */
import { z } from 'zod';
import {
  canonicalJson,
  equalBytes,
  FedaiError,
  fromHex,
  merkleRoot,
  parseCid,
  parseJson,
} from '../../core/index.ts';

/** A megabyte of manifest names about four thousand shards. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;
/** A shard is one unit of fetching and decryption; 16 MiB bounds what one bad id can cost. */
export const MAX_SHARD_BYTES = 16 * 1024 * 1024;
/** Four million: an epoch's order of that many is drawn and held in memory by every worker. */
export const MAX_RECORDS = 2 ** 22;
/** AES-GCM appends a tag; the nonce goes in front. */
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
/** Of one shard as it lies in a store, encrypted or not. */
export const MAX_STORED_SHARD_BYTES = MAX_SHARD_BYTES + NONCE_BYTES + TAG_BYTES;

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const positive = z
  .number()
  .int()
  .positive()
  .max(2 ** 31);

const manifestSchema = z.strictObject({
  format: z.literal('fedai-dataset/1'),
  name: z.string().max(200),
  licence: z.string().max(200),
  /** Of one input; every element is one unsigned byte. */
  shape: z.array(positive).min(1).max(4),
  type: z.literal('u8'),
  classes: z.number().int().min(2).max(256),
  count: positive.max(MAX_RECORDS),
  /** Records in every shard but the last: a power of two, so that each shard is a whole subtree. */
  shardRecords: positive,
  shards: z
    .array(z.strictObject({ cid: z.string().max(128), root: hash }))
    .min(1)
    .max(65_536),
  /** RFC 6962 root over all records (input bytes, then one label byte), before encryption. */
  plaintextRoot: hash,
  cipher: z.union([
    z.null(),
    z.strictObject({
      name: z.literal('AES-256-GCM'),
      /** SHA-256 of the data key. */
      keyCommitment: hash,
    }),
  ]),
});

export type DatasetManifest = z.infer<typeof manifestSchema>;

export const inputBytesOf = (manifest: { shape: readonly number[] }): number =>
  manifest.shape.reduce((product, side) => product * side, 1);

/** Records of shard `index`. */
export function shardCount(manifest: DatasetManifest, index: number): number {
  return Math.min(manifest.shardRecords, manifest.count - index * manifest.shardRecords);
}

export const encodeManifest = (manifest: DatasetManifest): Uint8Array => canonicalJson(manifest);

/** Parses and checks untrusted bytes; throws `BAD_MANIFEST`, `BAD_JSON` or `TOO_LARGE`. */
export function decodeManifest(bytes: Uint8Array): DatasetManifest {
  const parsed = manifestSchema.safeParse(parseJson(bytes, MAX_MANIFEST_BYTES));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badManifest('a field is missing or wrong', {
      path: issue?.path.join('.'),
      problem: issue?.message,
    });
  }
  checkSizes(parsed.data);
  return parsed.data;
}

function checkSizes(manifest: DatasetManifest): void {
  const { shardRecords, shards, count } = manifest;
  if ((shardRecords & (shardRecords - 1)) !== 0) {
    throw badManifest('shardRecords is not a power of two', { got: shardRecords });
  }
  if (shards.length !== Math.ceil(count / shardRecords)) {
    throw badManifest('the number of shards does not fit the number of records', {
      got: shards.length,
      expected: Math.ceil(count / shardRecords),
    });
  }
  if (shardRecords * (inputBytesOf(manifest) + 1) > MAX_SHARD_BYTES) {
    throw badManifest('shards are too large', { expected: `<= ${MAX_SHARD_BYTES} bytes` });
  }
  for (const { cid } of shards) parseCid(cid);
  const root = merkleRoot(shards.map((shard) => fromHex(shard.root)));
  if (!equalBytes(root, fromHex(manifest.plaintextRoot))) {
    throw badManifest('the shard roots do not add up to the plaintext root', {
      expected: manifest.plaintextRoot,
    });
  }
}

function badManifest(message: string, data: Record<string, unknown>): FedaiError {
  return new FedaiError('BAD_MANIFEST', `data set manifest: ${message}`, data, {
    remedy: 'import the data again, or ask its owner for a correct manifest',
  });
}
