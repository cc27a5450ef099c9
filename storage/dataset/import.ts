/** Turns labelled records into shards and a manifest in a content store, a shard at a time. Parsers of file formats give it the records. */
import { FedaiError, merkleLeaf, merkleRoot, sha256, toHex } from '../../core/index.ts';
import {
  type DatasetManifest,
  decodeManifest,
  encodeManifest,
  inputBytesOf,
  MAX_RECORDS,
  MAX_SHARD_BYTES,
} from '../../job/index.ts';
import type { ContentStore } from '../content.ts';
import { checkShape, type RecordSet } from '../records/record.ts';
import { type openShard, sealShard } from './cipher.ts';

/** With a 28×28 image a shard of 1024 fills 0.8 MiB: one block. Larger records get fewer a shard. */
const MAX_SHARD_RECORDS = 1_024;
const AIMED_SHARD_BYTES = 1024 * 1024 - 64;
/** A manifest has room for about so many; sets of several gibibytes get larger shards. */
const AIMED_SHARDS = 3_000;

export interface ImportOptions {
  name: string;
  licence: string;
  /** 32 bytes: encrypts every shard. The caller makes and keeps it. */
  encryptKey?: Uint8Array;
  /** Called after each stored shard. */
  onShard?: (done: number, shards: number) => void;
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

/** Reads the set twice: its root is part of what each shard is sealed with. Throws `BAD_RECORDS` before anything is stored. */
export async function importRecords(
  content: Pick<ContentStore, 'putBytes' | 'pin'>,
  records: RecordSet,
  options: ImportOptions,
): Promise<ImportedDataset> {
  const plan = planShards(records);
  const roots = Array.from({ length: plan.shards }, (_, index) => {
    const shard = shardOf(records, plan, index);
    checkLabels(shard, plan, index, records.classes);
    return shardRoot(shard, plan.recordBytes);
  });
  const plaintextRoot = merkleRoot(roots);
  const shards: DatasetManifest['shards'] = [];
  for (const [index, root] of roots.entries()) {
    const place = { plaintextRoot, index, shards: roots.length };
    const stored = await seal(options.encryptKey, place, shardOf(records, plan, index));
    shards.push({ cid: await content.putBytes(stored), root: toHex(root) });
    options.onShard?.(index + 1, roots.length);
  }
  const keyCommitment = options.encryptKey && sha256(options.encryptKey);
  const manifest: DatasetManifest = {
    format: 'fedai-dataset/1',
    name: options.name,
    licence: options.licence,
    shape: [...records.shape],
    type: 'u8',
    classes: records.classes,
    count: records.count,
    shardRecords: plan.shardRecords,
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

interface ShardPlan {
  readonly recordBytes: number;
  readonly shardRecords: number;
  readonly shards: number;
  readonly count: number;
}

function planShards({ shape, count }: RecordSet): ShardPlan {
  checkShape(shape, count);
  if (count < 1) throw badRecords('there are no records', {}, 'check that the file is complete');
  const recordBytes = inputBytesOf({ shape }) + 1;
  const least = Math.ceil((count * recordBytes) / AIMED_SHARDS);
  const aimed = Math.min(MAX_SHARD_BYTES, Math.max(AIMED_SHARD_BYTES, least));
  let shardRecords = 1;
  const most = aimed > AIMED_SHARD_BYTES ? MAX_RECORDS : MAX_SHARD_RECORDS;
  while (2 * shardRecords <= most && 2 * shardRecords * recordBytes <= aimed) shardRecords *= 2;
  return { recordBytes, shardRecords, shards: Math.ceil(count / shardRecords), count };
}

function shardOf(records: RecordSet, { shardRecords, count }: ShardPlan, index: number): Uint8Array {
  const first = index * shardRecords;
  return records.range(first, Math.min(shardRecords, count - first));
}

function checkLabels(shard: Uint8Array, plan: ShardPlan, index: number, classes: number): void {
  for (let at = plan.recordBytes - 1, i = 0; at < shard.length; at += plan.recordBytes, i++) {
    if (shard[at]! < classes) continue;
    throw badRecords(
      'a label is not below the number of classes',
      { record: index * plan.shardRecords + i, got: shard[at], classes },
      'raise the number of classes or correct the label file',
    );
  }
}

const badRecords = (message: string, data: Record<string, unknown>, remedy: string): FedaiError =>
  new FedaiError('BAD_RECORDS', message, data, { remedy });

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
