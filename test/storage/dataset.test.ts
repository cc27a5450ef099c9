import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { merkleLeaf, merkleRoot, seededRandom, sha256, toHex, utf8 } from '../../core/index.ts';
import { decodeManifest, encodeManifest } from '../../job/index.ts';
import {
  bytesInMemory,
  type ContentStore,
  collect,
  createMemoryStore,
  findIdxFiles,
  gatewayStore,
  importDataset,
  openDataset,
  openLocalStore,
  streamIdx,
  ungzipped,
  withIdx,
} from '../../storage/index.ts';

const COUNT = 2_500;
const SIDE = 12;
const KEY = sha256(utf8('data key'));
const META = { name: 'digits', licence: 'CC0-1.0' };

function idx(dims: number[], data: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + 4 * dims.length + data.length);
  out.set([0, 0, 8, dims.length]);
  const view = new DataView(out.buffer);
  for (const [i, dim] of dims.entries()) view.setUint32(4 + 4 * i, dim);
  out.set(data, 4 + 4 * dims.length);
  return out;
}

const inputs = new Uint8Array(COUNT * SIDE * SIDE);
const labels = new Uint8Array(COUNT);
for (let i = 0; i < inputs.length; i++) inputs[i] = (i * 2_654_435_761) >>> 24;
for (let i = 0; i < COUNT; i++) labels[i] = i % 10;
const images = idx([COUNT, SIDE, SIDE], inputs);
const labelFile = idx([COUNT], labels);
const recordsOf = async (imageFile: Uint8Array, own = labelFile) => ({
  kind: 'records' as const,
  ...(await collect(await streamIdx(bytesInMemory(imageFile), bytesInMemory(own), ungzipped))),
});

let content: ContentStore;
let directory: string;
beforeEach(async () => {
  content = await createMemoryStore();
  directory = await mkdtemp(join(tmpdir(), 'fedai-data-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('data sets', () => {
  test('plain and gzipped IDX come back record by record', async () => {
    const source = await recordsOf(gzipSync(images));
    const { manifestCid, plaintextRoot } = await importDataset(content, source, META);
    const set = await openDataset(content, manifestCid);
    expect([set.count, set.shape, set.classes]).toEqual([COUNT, [SIDE, SIDE, 1], 10]);
    const batch = await set.read([2_499, 0, 1_024]);
    expect([...batch.labels]).toEqual([9, 0, 4]);
    expect(batch.inputs.subarray(0, 144)).toEqual(inputs.subarray(2_499 * 144, 2_500 * 144));
    const all = await set.all();
    expect(Buffer.compare(all.inputs, inputs)).toBe(0);
    const leaves = Array.from({ length: COUNT }, (_, i) =>
      merkleLeaf(Uint8Array.of(...inputs.subarray(i * 144, i * 144 + 144), labels[i]!)),
    );
    expect(plaintextRoot).toEqual(merkleRoot(leaves));
  });

  test('the same data has the same ids; encryption hides it and keeps the root', async () => {
    const source = { kind: 'records', inputs, labels, shape: [SIDE, SIDE, 1], classes: 10 } as const;
    const first = await importDataset(content, source, META);
    const second = await importDataset(content, source, META);
    expect(second.manifestCid).toBe(first.manifestCid);
    const sealed = await importDataset(content, source, { ...META, encryptKey: KEY });
    expect(sealed.plaintextRoot).toEqual(first.plaintextRoot);
    expect(sealed.keyCommitment).toEqual(sha256(KEY));
    const shard = await content.getBytes(sealed.cids[1]!, { maxBytes: 2 ** 20 });
    expect(Buffer.from(shard).includes(Buffer.from(inputs.subarray(0, 32)))).toBe(false);
    expect((await (await openDataset(content, sealed.manifestCid, { key: KEY })).all()).labels).toEqual(
      labels,
    );
  });

  test('a wrong key, a swapped shard and a flipped byte are refused', async () => {
    const source = await recordsOf(images);
    const { manifestCid, cids } = await importDataset(content, source, { ...META, encryptKey: KEY });
    await expect(openDataset(content, manifestCid)).rejects.toMatchObject({ code: 'BAD_KEY' });
    const wrong = sha256(utf8('another key'));
    await expect(openDataset(content, manifestCid, { key: wrong })).rejects.toMatchObject({
      code: 'BAD_KEY',
    });

    const manifest = decodeManifest(await content.getBytes(manifestCid, { maxBytes: 2 ** 20 }));
    // An owner who lies about the commitment gets no further: the cipher itself refuses the key.
    const forged = {
      ...manifest,
      cipher: {
        name: 'AES-256-GCM' as const,
        keyCommitment: `0x${Buffer.from(sha256(wrong)).toString('hex')}`,
      },
    };
    const lying = await openDataset(content, await content.putBytes(encodeManifest(forged)), { key: wrong });
    await expect(lying.read([0])).rejects.toMatchObject({ code: 'DECRYPT_FAILED' });

    const [a, b] = manifest.shards as [{ cid: string; root: string }, { cid: string; root: string }];
    const swapped = {
      ...manifest,
      shards: [{ ...a, cid: b.cid }, { ...b, cid: a.cid }, manifest.shards[2]!],
    };
    const set = await openDataset(content, await content.putBytes(encodeManifest(swapped)), { key: KEY });
    await expect(set.read([0])).rejects.toMatchObject({ code: 'DECRYPT_FAILED' });

    const shard = (await content.getBytes(cids[1]!, { maxBytes: 2 ** 20 })).slice();
    shard[1_000]! ^= 1;
    const flipped = {
      ...manifest,
      shards: [{ ...a, cid: await content.putBytes(shard) }, ...manifest.shards.slice(1)],
    };
    const broken = await openDataset(content, await content.putBytes(encodeManifest(flipped)), { key: KEY });
    await expect(broken.read([0])).rejects.toMatchObject({ code: 'DECRYPT_FAILED' });
    expect((await broken.read([1_024])).labels[0]).toBe(4);
  });

  test('plain shards that do not fit the root are refused', async () => {
    const { manifestCid } = await importDataset(content, await recordsOf(images), META);
    const manifest = decodeManifest(await content.getBytes(manifestCid, { maxBytes: 2 ** 20 }));
    const shard = (await content.getBytes(manifest.shards[0]!.cid, { maxBytes: 2 ** 20 })).slice();
    shard[5]! ^= 1;
    const cid = await content.putBytes(shard);
    const forged = { ...manifest, shards: [{ ...manifest.shards[0]!, cid }, ...manifest.shards.slice(1)] };
    const set = await openDataset(content, await content.putBytes(encodeManifest(forged)));
    await expect(set.read([0])).rejects.toMatchObject({ code: 'BAD_DATASET' });
  });
});

describe('hostile documents', () => {
  test('IDX: wrong magic, wrong length, mismatched pair, bomb', async () => {
    const bad = { code: 'BAD_IDX' };
    await expect(recordsOf(Uint8Array.of(1, 2, 3))).rejects.toMatchObject(bad);
    await expect(recordsOf(images.subarray(0, -1))).rejects.toMatchObject(bad);
    await expect(recordsOf(Buffer.concat([images, Buffer.of(1)]))).rejects.toMatchObject(bad);
    await expect(recordsOf(Uint8Array.of(0x1f, 0x8b, 1))).rejects.toMatchObject(bad);
    await expect(recordsOf(images, idx([3], Uint8Array.of(1, 2, 3)))).rejects.toMatchObject(bad);
    const bomb = gzipSync(idx([COUNT, 200, 200], new Uint8Array(COUNT * 40_000)), { level: 1 });
    await expect(recordsOf(bomb)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test('manifests: mutations give a coded error, never another', async () => {
    const { manifestCid } = await importDataset(content, await recordsOf(images), META);
    const bytes = await content.getBytes(manifestCid, { maxBytes: 2 ** 20 });
    const random = seededRandom(utf8('manifests'));
    for (let i = 0; i < 300; i++) {
      const mutated = bytes.slice();
      for (let n = 0; n < 3; n++) mutated[random.below(mutated.length)] = random.below(256);
      try {
        decodeManifest(mutated);
      } catch (error) {
        expect(['BAD_MANIFEST', 'BAD_JSON', 'BAD_CID']).toContain((error as { code: string }).code);
      }
    }
  });
});

describe('stores', () => {
  test('imported offline, on disk for the next process; one process at a time', async () => {
    const store = await openLocalStore(directory);
    const source = await recordsOf(images);
    const { manifestCid, cids } = await importDataset(store.content, source, META);
    await expect(openLocalStore(directory)).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' });
    await store.close();
    const again = await openLocalStore(directory);
    expect(await again.content.isPinned(cids[1]!)).toBe(true);
    expect((await (await openDataset(again.content, manifestCid)).read([7])).labels[0]).toBe(7);
    await again.content.unpin(cids[1]!);
    expect(await again.content.isPinned(cids[1]!)).toBe(false);
    await again.close();
  });

  test('bad ids, missing and oversized content are named', async () => {
    const read = { maxBytes: 1_000 };
    await expect(content.getBytes('not-a-cid', read)).rejects.toMatchObject({ code: 'BAD_CID' });
    const missing = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
    await expect(content.getBytes(missing, read)).rejects.toMatchObject({
      code: 'CONTENT_NOT_FOUND',
      transient: true,
    });
    const cid = await content.putBytes(new Uint8Array(1_001));
    await expect(content.getBytes(cid, read)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test('a gateway is not trusted', async () => {
    const bytes = new Uint8Array(2_500_000).map((_, i) => (i * 7) & 0xff);
    const cid = await content.putBytes(bytes);
    let lie = false;
    const server = createServer(async (request, response) => {
      const asked = new URL(request.url!, 'http://gateway').pathname.split('/')[2]!;
      const block = await content.rawBlock(asked);
      if (block === undefined) return response.writeHead(404).end();
      const sent = block.slice();
      if (lie) sent[0]! ^= 1;
      return response.writeHead(200, { 'content-type': 'application/vnd.ipld.raw' }).end(sent);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const read = { maxBytes: bytes.length };
      expect(Buffer.compare(await gatewayStore(url).getBytes(cid, read), bytes)).toBe(0);
      lie = true;
      await expect(gatewayStore(`${url}/`).getBytes(cid, read)).rejects.toMatchObject({
        code: 'BAD_CONTENT',
      });
    } finally {
      server.close();
    }
    await expect(gatewayStore(url).getBytes(cid, { maxBytes: 10 })).rejects.toMatchObject({
      code: 'GATEWAY_UNREACHABLE',
      transient: true,
    });
  });

  test('a directory of IDX files is found, or its absence explained', async () => {
    await expect(findIdxFiles(join(directory, 'none'))).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' });
    for (const set of ['train', 't10k']) {
      await writeFile(join(directory, `${set}-images-idx3-ubyte.gz`), gzipSync(images));
      await writeFile(join(directory, `${set}-labels-idx1-ubyte`), labelFile);
    }
    const { test: pair } = await findIdxFiles(directory);
    const records = await withIdx(pair, collect);
    expect((await importDataset(content, { kind: 'records', ...records }, META)).count).toBe(COUNT);
  });
});

describe('a manifest that claims more than fits', () => {
  const root = sha256(utf8('root'));
  const claiming = async (count: number, shape: number[], shardRecords: number) => {
    const shards = Array.from({ length: Math.ceil(count / shardRecords) }, () => ({
      cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
      root: toHex(root),
    }));
    const plaintextRoot = toHex(merkleRoot(shards.map(() => root)));
    const frame = { format: 'fedai-dataset/1', ...META, type: 'u8', classes: 10, cipher: null } as const;
    return content.putBytes(encodeManifest({ ...frame, shape, count, shardRecords, shards, plaintextRoot }));
  };

  test('is refused before memory is taken for its records', async () => {
    const many = await claiming(2 ** 22 + 1, [1], 2 ** 20);
    await expect(openDataset(content, many)).rejects.toMatchObject({ code: 'BAD_MANIFEST' });
  });

  test('is not read whole', async () => {
    const large = await claiming(2 ** 16 + 1, [1, 2 ** 14 - 1], 2 ** 10);
    const dataset = await openDataset(content, large);
    await expect(dataset.all()).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });
});
