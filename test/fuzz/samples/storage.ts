/** Samples of what is stored and fetched: data sets, shards, trees of files, images. */
import { deflateSync, gzipSync } from 'node:zlib';
import { encode as pb } from '@ipld/dag-pb';
import { UnixFS } from 'ipfs-unixfs';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { readJpeg } from '../../../cli/image/jpeg.ts';
import { readPng } from '../../../cli/image/png.ts';
import {
  concatBytes,
  type FedaiError,
  fromHex,
  merkleRoot,
  sha256,
  toHex,
  uintBytes,
  utf8,
} from '../../../core/index.ts';
import { type DatasetManifest, decodeManifest, encodeManifest } from '../../../job/index.ts';
import { openShard } from '../../../storage/dataset/cipher.ts';
import { readBounded } from '../../../storage/gateway-store.ts';
import {
  bytesInMemory,
  collect,
  openNpz,
  streamCsv,
  streamIdx,
  streamParquet,
  ungzipped,
} from '../../../storage/index.ts';
import { readFile } from '../../../storage/read.ts';
import { pullFrom } from '../../../storage/records/bytes.ts';
import { readNpyHead } from '../../../storage/records/npz.ts';
import { readHybrid } from '../../../storage/records/parquet/levels.ts';
import { readThrift } from '../../../storage/records/parquet/thrift.ts';
import { readFileNode } from '../../../storage/unixfs.ts';
import { jpeg } from '../../support/jpeg.ts';
import { npy, zip } from '../../support/npz.ts';
import { parquet } from '../../support/parquet.ts';
import type { Table } from '../subject.ts';

const digitsOf = (count: number): Record<string, Uint8Array> =>
  Object.fromEntries(
    ['train', 'test'].flatMap((set) => [
      [`x_${set}.npy`, npy([count, 2, 2], new Uint8Array(4 * count).fill(9), '|u1')],
      [`y_${set}.npy`, npy([count], new Uint8Array(count).fill(1), '|u1')],
    ]),
  );
const KEY = new Uint8Array(32).fill(7);
const SHA2_256 = 0x12;
const [RAW, DAG_PB] = [0x55, 0x70];
const cidOf = (code: number, bytes: Uint8Array) => CID.createV1(code, createDigest(SHA2_256, sha256(bytes)));

function idx(dims: number[], data: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0, 0, 8, dims.length), ...dims.map((dim) => uintBytes(dim, 4)), data);
}
const images = idx([3, 4, 4], new Uint8Array(48).fill(9));
const labels = idx([3], Uint8Array.of(0, 1, 2));

const roots = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const manifest: DatasetManifest = {
  format: 'fedai-dataset/1',
  name: 'digits',
  licence: 'CC0-1.0',
  shape: [4, 4, 1],
  type: 'u8',
  classes: 10,
  count: 20,
  shardRecords: 8,
  shards: roots.map((root) => ({ cid: cidOf(RAW, root).toString(), root: toHex(root) })),
  plaintextRoot: toHex(merkleRoot(roots)),
  cipher: { name: 'AES-256-GCM', keyCommitment: toHex(sha256(KEY)) },
};
const place = { plaintextRoot: roots[0]!, index: 1, shards: 3 };
/** Twenty bytes sealed with KEY at that place; sealing draws a nonce each time. */
const sealed = fromHex(
  '0xe9e8534f779dbffc27f4946a6f56084c364f511fa67c3f6b073e32080f1bac33414ec1d2eee4a1ee9dcf77bab9dd0398',
);

const leaves = [new Uint8Array(50).fill(1), new Uint8Array(70).fill(2)];
const small = new UnixFS({ type: 'file', data: utf8('hello') });
const tree = new UnixFS({ type: 'file', blockSizes: leaves.map(({ length }) => BigInt(length)) });
const links = leaves.map((leaf) => ({ Name: '', Hash: cidOf(RAW, leaf), Tsize: leaf.length }));
const nodes = [pb({ Data: small.marshal(), Links: [] }), pb({ Data: tree.marshal(), Links: links })];

/** Reads the file whose root these bytes are, from a store that has the leaves. */
function fileUnder(root: Uint8Array): Promise<Uint8Array> {
  const known = new Map(
    [root, ...leaves].map((block, i) => [cidOf(i === 0 ? DAG_PB : RAW, block).toString(), block]),
  );
  const blocks = {
    *get(cid: CID) {
      const block = known.get(cid.toString());
      if (block === undefined) throw new RangeError('not here');
      yield block;
    },
  };
  return readFile(blocks, cidOf(DAG_PB, root).toString(), { maxBytes: 1_000, offline: true });
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  return concatBytes(uintBytes(body.length, 4), utf8(type), body, new Uint8Array(4));
}
function png(channels: number, colour: number, depth = 8): Uint8Array {
  const rows = new Uint8Array(6 * (5 * channels + 1)).map((_, i) =>
    i % (5 * channels + 1) === 0 ? i % 5 : i,
  );
  const header = concatBytes(uintBytes(5, 4), uintBytes(6, 4), Uint8Array.of(depth, colour, 0, 0, 0));
  const magic = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return concatBytes(
    magic,
    chunk('IHDR', header),
    chunk('PLTE', new Uint8Array(768).fill(9)),
    chunk('IDAT', new Uint8Array(deflateSync(rows))),
    chunk('IEND', KEY),
  );
}

const column = { name: 'x', type: 'int32', rows: [1, 2, 255, 2], optional: true } as const;
const label = { name: 'label', type: 'int64', rows: [0, 1, 1, 0], dictionary: true } as const;
const lists = {
  name: 'x',
  type: 'int32',
  rows: [
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
  ],
} as const;
const strings = { name: 'x', type: 'bytes', rows: [1, 2, 3, 4].map((n) => Uint8Array.of(n, n)) } as const;
const parquetSamples = [
  parquet({ columns: [column, label], pageRows: 2 }),
  parquet({ columns: [label, lists], version: 2 }),
  parquet({ columns: [label, strings], gzip: true }),
];

const isMissing = (error: unknown): boolean => (error as FedaiError).code === 'CONTENT_NOT_FOUND';

const jpegs = await Promise.all(
  [{}, { progressive: true }, { grey: true }].map((kind) => jpeg(9, 5, (x, y) => [20 * x, 30 * y, 9], kind)),
);

export const storage: Table = {
  streamIdx: {
    covers: [],
    format: 'bytes',
    samples: [images, new Uint8Array(gzipSync(images))],
    decode: async (bytes) => collect(await streamIdx(bytesInMemory(bytes), bytesInMemory(labels), ungzipped)),
  },
  idxLabels: {
    covers: [],
    format: 'bytes',
    samples: [labels],
    decode: async (bytes) => collect(await streamIdx(bytesInMemory(images), bytesInMemory(bytes))),
    share: 0.5,
  },
  openNpz: {
    covers: ['storage/records/zip.ts#readZip', 'storage/records/npz.ts#openNpz'],
    format: 'bytes',
    samples: [zip(digitsOf(3), true), zip(digitsOf(2), false)],
    decode: async (bytes) => collect(await (await openNpz(bytesInMemory(bytes)))('train')),
    share: 0.5,
  },
  streamParquet: {
    covers: ['storage/records/parquet/footer.ts#readFooter', 'storage/records/parquet/pages.ts#readPages'],
    format: 'bytes',
    samples: parquetSamples,
    decode: async (bytes) => collect(await streamParquet(bytesInMemory(bytes))),
    share: 0.5,
  },
  readHybrid: {
    covers: ['storage/records/parquet/levels.ts#readHybrid'],
    format: 'bytes',
    samples: [Uint8Array.of(8, 3, 5, 1, 2, 3)],
    decode: (bytes) => readHybrid(bytes, 0, bytes.length, 3, 12, 'page'),
    share: 0.3,
  },
  readThrift: {
    covers: ['storage/records/parquet/thrift.ts#readThrift'],
    format: 'bytes',
    samples: [Uint8Array.of(0x15, 2, 0x19, 0x25, 4, 6, 0x1c, 0x18, 1, 65, 0, 0)],
    decode: (bytes) => readThrift(bytes, 0, 'head', 100),
    share: 0.5,
  },
  readNpyHead: {
    covers: ['storage/records/npz.ts#readNpyHead'],
    format: 'bytes',
    samples: [npy([2, 2], Uint8Array.of(1, 2, 3, 4), '|u1')],
    decode: (bytes) => readNpyHead(pullFrom(bytesInMemory(bytes).stream()), 'x', bytes.length),
    share: 0.5,
  },
  streamCsv: {
    covers: [],
    format: 'bytes',
    samples: [utf8('label,a,b\n1,2,3\n0,255,7\n')],
    decode: async (bytes) => collect(await streamCsv(bytesInMemory(bytes))),
    share: 0.5,
  },
  decodeManifest: {
    covers: ['job/manifest.ts#decodeManifest'],
    format: 'json',
    samples: [manifest, { ...manifest, cipher: null }].map(encodeManifest),
    decode: decodeManifest,
  },
  openShard: {
    covers: ['storage/dataset/cipher.ts#openShard'],
    format: 'bytes',
    samples: [sealed],
    decode: (bytes) => openShard(KEY, place, bytes),
    share: 0.2,
  },
  readFileNode: {
    covers: ['storage/unixfs.ts#readFileNode'],
    format: 'bytes',
    samples: nodes,
    decode: (bytes) => readFileNode(cidOf(DAG_PB, bytes), bytes),
  },
  readFile: {
    covers: ['storage/read.ts#readFile', 'storage/read.ts#readParts'],
    format: 'bytes',
    samples: nodes,
    decode: (bytes) =>
      fileUnder(bytes).catch((error) => (isMissing(error) ? 'missing' : Promise.reject(error))),
    share: 0.3,
  },
  readBounded: {
    covers: ['storage/gateway-store.ts#readBounded'],
    format: 'bytes',
    samples: [KEY],
    decode: (bytes) => readBounded(new Response(Uint8Array.from(bytes)).body!, cidOf(RAW, KEY)),
    share: 0.1,
  },
  readPng: {
    covers: ['cli/image/png.ts#readPng', 'cli/image/png.ts#readPngHeader'],
    format: 'bytes',
    samples: [png(1, 0), png(3, 2), png(4, 6), png(1, 3), png(2, 0, 16)],
    decode: readPng,
  },
  readJpeg: {
    covers: ['cli/image/jpeg.ts#readJpeg', 'cli/image/jpeg.ts#readJpegHeader'],
    format: 'bytes',
    samples: jpegs,
    decode: readJpeg,
    share: 0.3,
  },
};
