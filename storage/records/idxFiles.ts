/** Folders of IDX files, gzipped or not. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError } from '../../core/index.ts';
import { pullFrom } from './bytes.ts';
import { bytesOfFile, unpacked } from './file.ts';
import {
  badIdx,
  idxFileOf,
  type OpenBytes,
  readDims,
  streamIdx,
  TEST_SET,
  TRAIN_SET,
  takeAll,
} from './idx.ts';
import { checkShape, type RecordStream, sizeOf } from './record.ts';

/** Throws `TOO_LARGE` on a bomb, `BAD_IDX` where it cannot be unpacked. */
export const ungzipped: OpenBytes = (source) =>
  unpacked(source, (cause) => badIdx(source.name, 'cannot be unpacked', {}, cause));

export interface IdxFiles {
  readonly images: string;
  readonly labels: string;
}

/** Finds `train-*` and `t10k-*` (or `test-*`) image and label files in a directory, `.gz` or not. Throws `DATA_NOT_FOUND`. */
export async function findIdxFiles(directory: string): Promise<{ train: IdxFiles; test: IdxFiles }> {
  const names = await readdir(directory).catch((cause) => {
    throw dataNotFound(directory, 'a readable directory', cause);
  });
  const find = (set: RegExp, kind: 'images' | 'labels'): string => {
    const found = idxFileOf(names, set, kind);
    if (found === undefined) throw dataNotFound(directory, `${set.source}…${kind}…-ubyte[.gz]`);
    return join(directory, found);
  };
  const pair = (set: RegExp): IdxFiles => ({ images: find(set, 'images'), labels: find(set, 'labels') });
  return { train: pair(TRAIN_SET), test: pair(TEST_SET) };
}

/** Runs `use` on both files of a set. */
export async function withIdx<T>(files: IdxFiles, use: (stream: RecordStream) => Promise<T>): Promise<T> {
  const images = await bytesOfFile(files.images);
  try {
    const labels = await bytesOfFile(files.labels);
    try {
      return await use(await streamIdx(images, labels, ungzipped));
    } finally {
      await labels.close();
    }
  } finally {
    await images.close();
  }
}

/** One image of a file without those behind it, as bytes row by row. Throws `BAD_IMAGE`, `BAD_IDX`. */
export async function readIdxImage(path: string, index: number): Promise<Uint8Array> {
  const file = await bytesOfFile(path);
  try {
    const bytes = pullFrom(ungzipped(file));
    const [count, ...sides] = (await readDims(bytes, path)) as [number, ...number[]];
    checkShape(sides, count);
    if (index >= count)
      throw new FedaiError('BAD_IMAGE', 'there is no image with this number', {
        got: index,
        expected: `< ${count}`,
      });
    const size = sizeOf(sides);
    for (let skipped = 0; skipped < index; skipped++) await takeAll(bytes, size, path, sides);
    const image = await takeAll(bytes, size, path, sides);
    await bytes.stop();
    return image;
  } finally {
    await file.close();
  }
}

function dataNotFound(directory: string, expected: string, cause?: unknown): FedaiError {
  return new FedaiError(
    'DATA_NOT_FOUND',
    'no such data files',
    { directory, expected },
    { cause, remedy: 'name a directory with the four MNIST-style files, gzipped or not' },
  );
}
