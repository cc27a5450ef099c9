/** Reading a data set: shards are fetched, decrypted and checked against the plaintext root when a record of theirs is first asked for. */
import { equalBytes, FedaiError, fromHex, type MerkleTree, merkleTree, sha256 } from '../../core/index.ts';
import {
  type DatasetManifest,
  decodeManifest,
  inputBytesOf,
  MAX_MANIFEST_BYTES,
  shardCount,
} from '../../job/index.ts';
import type { ContentReader } from '../content.ts';
import { NONCE_BYTES, openShard, TAG_BYTES } from './cipher.ts';
import { shardLeaves, shardRoot } from './import.ts';

/** A set that is read whole (every test set) must fit in memory beside everything else. */
const MAX_WHOLE_BYTES = 1024 * 1024 * 1024;
/** Plain shards kept in memory; beyond it the one unused longest is fetched again from disk. */
const CACHED_BYTES = 256 * 1024 * 1024;

export interface Batch {
  /** `[count, …shape]` unsigned bytes. */
  inputs: Uint8Array;
  labels: Uint8Array;
}

export interface Dataset {
  readonly manifest: DatasetManifest;
  readonly count: number;
  readonly shape: readonly number[];
  readonly classes: number;
  readonly plaintextRoot: Uint8Array;
  /** Records in the order asked for; throws `OUT_OF_RANGE`, `DECRYPT_FAILED`, `BAD_DATASET` or what the store throws. */
  read(indices: Iterable<number>): Promise<Batch>;
  /** Records with their audit paths under the plaintext root, from the leaf up; throws as `read`. */
  prove(indices: Iterable<number>): Promise<ProvedRecord[]>;
  /** Every record; throws `TOO_LARGE`, before anything is fetched, beyond a gibibyte. */
  all(): Promise<Batch>;
}

export interface ProvedRecord {
  readonly index: number;
  /** Input bytes, then one byte of label. */
  readonly bytes: Uint8Array;
  readonly path: readonly Uint8Array[];
}

export interface OpenOptions {
  /** Needed when the set is encrypted. */
  key?: Uint8Array;
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Throws `BAD_KEY` (missing, or not the one committed to) and `BAD_MANIFEST` before any shard is fetched. */
export async function openDataset(
  content: ContentReader,
  manifestCid: string,
  options: OpenOptions = {},
): Promise<Dataset> {
  const limits = {
    ...(options.signal && { signal: options.signal }),
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
  };
  const manifest = decodeManifest(
    await content.getBytes(manifestCid, { maxBytes: MAX_MANIFEST_BYTES, ...limits }),
  );
  checkKey(manifest, options.key);
  const load = createShardLoader(content, manifest, options.key, limits);
  const read = (indices: Iterable<number>) => readRecords(manifest, load, [...indices]);
  return {
    manifest,
    count: manifest.count,
    shape: manifest.shape,
    classes: manifest.classes,
    plaintextRoot: fromHex(manifest.plaintextRoot),
    read,
    prove: (indices) => proveRecords(manifest, load, [...indices]),
    async all() {
      checkWhole(manifest);
      return read(Array.from({ length: manifest.count }, (_, index) => index));
    },
  };
}

/** What a manifest says costs nothing to claim: memory is taken only for what is bounded. */
function checkWhole(manifest: DatasetManifest): void {
  const bytes = manifest.count * (inputBytesOf(manifest) + 1);
  if (bytes <= MAX_WHOLE_BYTES) return;
  throw new FedaiError(
    'TOO_LARGE',
    'the data set is too large to be read whole',
    { got: bytes, expected: `<= ${MAX_WHOLE_BYTES} bytes` },
    { remedy: 'use fewer or smaller records' },
  );
}

function checkKey(manifest: DatasetManifest, key: Uint8Array | undefined): void {
  if (manifest.cipher === null) return;
  const expected = manifest.cipher.keyCommitment;
  if (key !== undefined && equalBytes(sha256(key), fromHex(expected))) return;
  throw new FedaiError(
    'BAD_KEY',
    key === undefined
      ? 'the data set is encrypted'
      : 'the key is not the one that the data set was made with',
    { expected: `key with SHA-256 ${expected}` },
    { remedy: 'ask the owner of the data for its key' },
  );
}

type ShardLoader = (index: number) => Promise<Uint8Array>;

function createShardLoader(
  content: ContentReader,
  manifest: DatasetManifest,
  key: Uint8Array | undefined,
  limits: { signal?: AbortSignal; timeoutMs?: number },
): ShardLoader {
  const recordBytes = inputBytesOf(manifest) + 1;
  const kept = Math.max(1, Math.floor(CACHED_BYTES / (manifest.shardRecords * recordBytes)));
  const cache = new Map<number, Promise<Uint8Array>>();

  async function load(index: number): Promise<Uint8Array> {
    const { cid, root } = manifest.shards[index]!;
    const plainBytes = shardCount(manifest, index) * recordBytes;
    const storedBytes = manifest.cipher === null ? plainBytes : plainBytes + NONCE_BYTES + TAG_BYTES;
    const stored = await content.getBytes(cid, { maxBytes: storedBytes, ...limits });
    const place = { plaintextRoot: fromHex(manifest.plaintextRoot), index, shards: manifest.shards.length };
    const plain = manifest.cipher === null ? stored : await openShard(key!, place, stored);
    if (plain.length !== plainBytes || !equalBytes(shardRoot(plain, recordBytes), fromHex(root))) {
      throw new FedaiError(
        'BAD_DATASET',
        'a shard does not match the plaintext root',
        { shard: index, got: plain.length, expected: plainBytes },
        { remedy: 'the owner of the data published a broken set; ask for a correct one' },
      );
    }
    return plain;
  }

  return (index) => {
    const loading = cache.get(index) ?? load(index);
    cache.delete(index);
    cache.set(index, loading);
    if (cache.size > kept) cache.delete(cache.keys().next().value!);
    loading.catch(() => cache.delete(index));
    return loading;
  };
}

function checkIndex({ count }: DatasetManifest, index: number): void {
  if (Number.isInteger(index) && index >= 0 && index < count) return;
  throw new FedaiError('OUT_OF_RANGE', 'no such record', { got: index, expected: `0 … ${count - 1}` });
}

async function readRecords(manifest: DatasetManifest, load: ShardLoader, indices: number[]): Promise<Batch> {
  const inputBytes = inputBytesOf(manifest);
  const inputs = new Uint8Array(indices.length * inputBytes);
  const labels = new Uint8Array(indices.length);
  for (const [position, index] of indices.entries()) {
    checkIndex(manifest, index);
    const shard = await load(Math.floor(index / manifest.shardRecords));
    const from = (index % manifest.shardRecords) * (inputBytes + 1);
    inputs.set(shard.subarray(from, from + inputBytes), position * inputBytes);
    labels[position] = shard[from + inputBytes]!;
  }
  const wrong = labels.findIndex((label) => label >= manifest.classes);
  if (wrong !== -1) {
    throw new FedaiError('BAD_DATASET', 'a label is not below the number of classes', {
      record: indices[wrong],
    });
  }
  return { inputs, labels };
}

/** Shards are whole subtrees: a path is that within the shard, then that of the shard among the others. */
async function proveRecords(
  manifest: DatasetManifest,
  load: ShardLoader,
  indices: readonly number[],
): Promise<ProvedRecord[]> {
  const { shardRecords, shards } = manifest;
  const recordBytes = inputBytesOf(manifest) + 1;
  const above = merkleTree(shards.map(({ root }) => fromHex(root)));
  const trees = new Map<number, MerkleTree>();
  const proved: ProvedRecord[] = [];
  for (const index of indices) {
    checkIndex(manifest, index);
    const shard = Math.floor(index / shardRecords);
    const plain = await load(shard);
    const tree = trees.get(shard) ?? merkleTree(shardLeaves(plain, recordBytes));
    trees.set(shard, tree);
    const at = index % shardRecords;
    const bytes = plain.slice(at * recordBytes, (at + 1) * recordBytes);
    proved.push({ index, bytes, path: [...tree.path(at), ...above.path(shard)] });
  }
  return proved;
}
