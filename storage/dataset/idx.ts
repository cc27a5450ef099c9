/** The IDX format of the MNIST files (http://yann.lecun.com/exdb/mnist), plain or gzipped, with bounds. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FedaiError } from '../../core/index.ts';
import type { Records } from './import.ts';

/** MNIST's 60 000 images take 47 MB; ten times that is still safe to hold. */
const MAX_IDX_BYTES = 512 * 1024 * 1024;
const UNSIGNED_BYTE = 0x08;

export interface IdxArray {
  dims: number[];
  data: Uint8Array;
}

/** Throws `BAD_IDX` on a wrong magic number, type or length, `TOO_LARGE` on a decompression bomb. */
export function parseIdx(file: Uint8Array, name = 'IDX file'): IdxArray {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? gunzip(file, name) : file;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rank = bytes[3] ?? 0;
  const header = 4 + 4 * rank;
  if (
    bytes[0] !== 0 ||
    bytes[1] !== 0 ||
    bytes[2] !== UNSIGNED_BYTE ||
    rank < 1 ||
    rank > 4 ||
    bytes.length < header
  ) {
    throw badIdx(name, 'not an IDX file of unsigned bytes', {
      got: [...bytes.subarray(0, 4)],
      expected: [0, 0, 8, '1…4'],
    });
  }
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = dims.reduce((product, side) => product * side, 1);
  if (bytes.length - header !== expected) {
    throw badIdx(name, 'the length does not fit the dimensions', {
      dims,
      got: bytes.length - header,
      expected,
    });
  }
  return { dims, data: bytes.subarray(header) };
}

/** Images (rank 3: count, rows, columns; or rank 4 with channels) and labels (rank 1) as records. */
export function recordsFromIdx(images: Uint8Array, labels: Uint8Array, classes?: number): Records {
  const image = parseIdx(images, 'image file');
  const label = parseIdx(labels, 'label file');
  if (image.dims.length < 3 || label.dims.length !== 1 || image.dims[0] !== label.dims[0]) {
    throw badIdx('IDX pair', 'images and labels do not belong together', {
      images: image.dims,
      labels: label.dims,
    });
  }
  const [, ...sides] = image.dims as [number, ...number[]];
  const shape = sides.length === 2 ? [...sides, 1] : sides;
  const highest = label.data.reduce((max, value) => Math.max(max, value), 0);
  return { inputs: image.data, labels: label.data, shape, classes: classes ?? Math.max(2, highest + 1) };
}

export interface IdxPair {
  images: Uint8Array;
  labels: Uint8Array;
}

/** Finds `train-*` and `t10k-*` (or `test-*`) image and label files in a directory, `.gz` or not. Throws `DATA_NOT_FOUND`. */
export async function readIdxDirectory(directory: string): Promise<{ train: IdxPair; test: IdxPair }> {
  const names = await readdir(directory).catch((cause) => {
    throw dataNotFound(directory, 'a readable directory', cause);
  });
  const read = async (set: RegExp, kind: string): Promise<Uint8Array> => {
    const found = names.find(
      (name) => set.test(name) && name.includes(kind) && /ubyte(\.gz)?$|idx\d?(\.gz)?$/.test(name),
    );
    if (found === undefined) throw dataNotFound(directory, `${set.source}…${kind}…-ubyte[.gz]`);
    return readBounded(join(directory, found));
  };
  const pair = async (set: RegExp): Promise<IdxPair> => ({
    images: await read(set, 'images'),
    labels: await read(set, 'labels'),
  });
  return { train: await pair(/^train/), test: await pair(/^(?:t10k|test)/) };
}

async function readBounded(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MAX_IDX_BYTES) throw new FedaiError('TOO_LARGE', 'the file is too large', { path, got: size });
  return readFile(path);
}

function gunzip(file: Uint8Array, name: string): Uint8Array {
  try {
    return gunzipSync(file, { maxOutputLength: MAX_IDX_BYTES });
  } catch (cause) {
    throw new FedaiError(
      (cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? 'TOO_LARGE' : 'BAD_IDX',
      `${name}: cannot be decompressed`,
      { expected: `gzip of at most ${MAX_IDX_BYTES} bytes` },
      { cause, remedy: 'fetch the file again' },
    );
  }
}

function badIdx(name: string, message: string, data: Record<string, unknown>): FedaiError {
  return new FedaiError('BAD_IDX', `${name}: ${message}`, data, {
    remedy: 'check that the file is complete',
  });
}

function dataNotFound(directory: string, expected: string, cause?: unknown): FedaiError {
  return new FedaiError(
    'DATA_NOT_FOUND',
    'no such data files',
    { directory, expected },
    {
      cause,
      remedy: 'name a directory with the four MNIST-style files, gzipped or not',
    },
  );
}
