/** IDX files, plain or gzipped, and folders of them. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FedaiError } from '../../core/index.ts';
import { type IdxArray, idxFileOf, parsePlainIdx, recordsOfIdx, TEST_SET, TRAIN_SET } from './idx-parse.ts';
import type { Records } from './import.ts';

/** MNIST's 60 000 images take 47 MB; ten times that is still safe to hold. */
const MAX_IDX_BYTES = 512 * 1024 * 1024;

/** Throws `BAD_IDX` on a wrong magic number, type or length, `TOO_LARGE` on a decompression bomb. */
export function parseIdx(file: Uint8Array, name = 'IDX file'): IdxArray {
  return parsePlainIdx(file[0] === 0x1f && file[1] === 0x8b ? gunzip(file, name) : file, name);
}

/** Images (rank 3: count, rows, columns; or rank 4 with channels) and labels (rank 1) as records. */
export const recordsFromIdx = (images: Uint8Array, labels: Uint8Array, classes?: number): Records =>
  recordsOfIdx(parseIdx(images, 'image file'), parseIdx(labels, 'label file'), classes);

export interface IdxPair {
  images: Uint8Array;
  labels: Uint8Array;
}

/** Finds `train-*` and `t10k-*` (or `test-*`) image and label files in a directory, `.gz` or not. Throws `DATA_NOT_FOUND`. */
export async function readIdxDirectory(directory: string): Promise<{ train: IdxPair; test: IdxPair }> {
  const names = await readdir(directory).catch((cause) => {
    throw dataNotFound(directory, 'a readable directory', cause);
  });
  const read = async (set: RegExp, kind: 'images' | 'labels'): Promise<Uint8Array> => {
    const found = idxFileOf(names, set, kind);
    if (found === undefined) throw dataNotFound(directory, `${set.source}…${kind}…-ubyte[.gz]`);
    return readBounded(join(directory, found));
  };
  const pair = async (set: RegExp): Promise<IdxPair> => ({
    images: await read(set, 'images'),
    labels: await read(set, 'labels'),
  });
  return { train: await pair(TRAIN_SET), test: await pair(TEST_SET) };
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
