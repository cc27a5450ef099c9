/** Turns labelled records into shards and a manifest in a content store. Parsers of file formats give it the records. */
import { FedaiError, merkleLeaf, merkleRoot, sha256, toHex } from '../../core/index.ts';
import { type DatasetManifest, decodeManifest, encodeManifest, inputBytesOf } from '../../job/index.ts';
import type { ContentStore } from '../content.ts';
import { type openShard, sealShard } from './cipher.ts';

/** With a 28×28 image a shard of 1024 fills 0.8 MiB: one block. Larger records get fewer a shard. */
const MAX_SHARD_RECORDS = 1_024;
const AIMED_SHARD_BYTES = 1024 * 1024 - 64;

export interface Records {
  /** `count × product(shape)` unsigned bytes, record after record. */
  inputs: Uint8Array;
  /** One byte a record, each below `classes`. */
  labels: Uint8Array;
  shape: readonly number[];
  classes: number;
}

export interface ImportOptions {
  name: string;
  licence: string;
  /** 32 bytes: encrypts every shard. The caller makes and keeps it. */
  encryptKey?: Uint8Array;
}

export interface ImportedDataset {
  manifestCid: string;
  plaintextRoot: Uint8Array;
  count: number;
  /** SHA-256 of the key, when encrypted. */
  keyCommitment: Uint8Array | undefined;
  /** Everything to pin: manifest and shards. */
  cids: string[];
}

/** Throws `BAD_RECORDS` before anything is stored. */
export async function importRecords(
  content: Pick<ContentStore, 'putBytes' | 'pin'>,
  records: Records,
  options: ImportOptions,
): Promise<ImportedDataset> {
  const plain = cutShards(records);
  const roots = plain.shards.map((shard) => shardRoot(shard, plain.recordBytes));
  const plaintextRoot = merkleRoot(roots);
  const shards: DatasetManifest['shards'] = [];
  for (const [index, shard] of plain.shards.entries()) {
    const stored = await seal(
      options.encryptKey,
      { plaintextRoot, index, shards: plain.shards.length },
      shard,
    );
    shards.push({ cid: await content.putBytes(stored), root: toHex(roots[index]!) });
  }
  const keyCommitment = options.encryptKey && sha256(options.encryptKey);
  const manifest: DatasetManifest = {
    format: 'fedai-dataset/1',
    name: options.name,
    licence: options.licence,
    shape: [...records.shape],
    type: 'u8',
    classes: records.classes,
    count: records.labels.length,
    shardRecords: plain.shardRecords,
    shards,
    plaintextRoot: toHex(plaintextRoot),
    cipher: keyCommitment ? { name: 'AES-256-GCM', keyCommitment: toHex(keyCommitment) } : null,
  };
  const bytes = encodeManifest(manifest);
  decodeManifest(bytes);
  const manifestCid = await content.putBytes(bytes);
  const cids = [manifestCid, ...shards.map((shard) => shard.cid)];
  for (const cid of cids) await content.pin(cid);
  return { manifestCid, plaintextRoot, count: manifest.count, keyCommitment, cids };
}

async function seal(key: Uint8Array | undefined, place: Parameters<typeof openShard>[1], shard: Uint8Array) {
  return key === undefined ? shard : sealShard(key, place, shard);
}

function cutShards(records: Records) {
  checkRecords(records);
  const { inputs, labels } = records;
  const inputBytes = inputBytesOf(records);
  const recordBytes = inputBytes + 1;
  let shardRecords = MAX_SHARD_RECORDS;
  while (shardRecords > 1 && shardRecords * recordBytes > AIMED_SHARD_BYTES) shardRecords /= 2;
  const shards: Uint8Array[] = [];
  for (let first = 0; first < labels.length; first += shardRecords) {
    const count = Math.min(shardRecords, labels.length - first);
    const shard = new Uint8Array(count * recordBytes);
    for (let i = 0; i < count; i++) {
      const from = (first + i) * inputBytes;
      shard.set(inputs.subarray(from, from + inputBytes), i * recordBytes);
      shard[(i + 1) * recordBytes - 1] = labels[first + i]!;
    }
    shards.push(shard);
  }
  return { shards, recordBytes, shardRecords };
}

/** RFC 6962 root over the records of one shard. */
export const shardRoot = (shard: Uint8Array, recordBytes: number): Uint8Array =>
  merkleRoot(shardLeaves(shard, recordBytes));

export function shardLeaves(shard: Uint8Array, recordBytes: number): Uint8Array[] {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < shard.length; at += recordBytes) {
    leaves.push(merkleLeaf(shard.subarray(at, at + recordBytes)));
  }
  return leaves;
}

function checkRecords({ inputs, labels, shape, classes }: Records): void {
  const expected = labels.length * inputBytesOf({ shape });
  if (labels.length === 0 || inputs.length !== expected) {
    throw new FedaiError(
      'BAD_RECORDS',
      'inputs and labels do not belong together',
      { records: labels.length, got: inputs.length, expected },
      { remedy: 'check that image and label file are of the same set and complete' },
    );
  }
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong !== -1) {
    throw new FedaiError(
      'BAD_RECORDS',
      'a label is not below the number of classes',
      { record: wrong, got: labels[wrong], classes },
      { remedy: 'raise the number of classes or correct the label file' },
    );
  }
}
