/** IDX files, gzipped or not, a part at a time: labels first, then images as they come. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError } from '../../core/index.ts';
import { type ByteSource, bytesOfFile, type Puller, pullFrom, unpacked } from './bytes.ts';
import { checkShape, chunkRecords, highest, type RecordBatch, type RecordStream, sizeOf } from './record.ts';

const UNSIGNED_BYTE = 0x08;
const MAX_RANK = 4;

function badIdx(
  name: string,
  message: string,
  data: Record<string, unknown> = {},
  cause?: unknown,
): FedaiError {
  return new FedaiError('BAD_IDX', `${name}: ${message}`, data, {
    cause,
    remedy: 'check that the file is complete, or fetch it again',
  });
}

const pull = (source: ByteSource): Puller =>
  pullFrom(unpacked(source, (cause) => badIdx(source.name, 'cannot be unpacked', {}, cause)));

async function readDims(bytes: Puller, name: string): Promise<number[]> {
  const magic = await bytes.take(4);
  const rank = magic[3] ?? 0;
  if (magic[0] !== 0 || magic[1] !== 0 || magic[2] !== UNSIGNED_BYTE || rank < 1 || rank > MAX_RANK)
    throw badIdx(name, 'not an IDX file of unsigned bytes', { got: [...magic], expected: [0, 0, 8, '1…4'] });
  const sides = await bytes.take(4 * rank);
  if (sides.length < 4 * rank) throw badIdx(name, 'its head is cut off');
  const view = new DataView(sides.buffer);
  return Array.from({ length: rank }, (_, i) => view.getUint32(4 * i));
}

async function takeAll(
  bytes: Puller,
  length: number,
  name: string,
  dims: readonly number[],
): Promise<Uint8Array> {
  const found = await bytes.take(length);
  if (found.length < length)
    throw badIdx(name, 'the length does not fit the dimensions', { dims, missing: length - found.length });
  return found;
}

async function checkEnd(bytes: Puller, name: string, dims: readonly number[]): Promise<void> {
  if ((await bytes.take(1)).length > 0) throw badIdx(name, 'it goes on behind its last record', { dims });
}

async function readLabels(source: ByteSource): Promise<Uint8Array> {
  const bytes = pull(source);
  const dims = await readDims(bytes, source.name);
  if (dims.length !== 1) throw badIdx(source.name, 'labels have one dimension', { dims });
  checkShape([1], dims[0]!);
  const labels = await takeAll(bytes, dims[0]!, source.name, dims);
  await checkEnd(bytes, source.name, dims);
  return labels;
}

/** Images (rank 3: count, rows, columns; or rank 4 with channels) and labels (rank 1). Throws `BAD_IDX`, `BAD_RECORDS`, `TOO_LARGE`. */
export async function streamIdx(images: ByteSource, labelFile: ByteSource): Promise<RecordStream> {
  const labels = await readLabels(labelFile);
  const bytes = pull(images);
  const dims = await readDims(bytes, images.name);
  const [count, ...sides] = dims as [number, ...number[]];
  if (sides.length < 2 || count !== labels.length) {
    await bytes.stop();
    throw badIdx(images.name, 'images and labels do not belong together', {
      images: dims,
      labels: labels.length,
    });
  }
  const shape = sides.length === 2 ? [...sides, 1] : sides;
  checkShape(shape, count);
  const size = sizeOf(shape);
  async function* chunks(): AsyncGenerator<RecordBatch> {
    const most = chunkRecords(size);
    for (let done = 0; done < count; done += most) {
      const part = labels.subarray(done, done + most);
      yield { inputs: await takeAll(bytes, part.length * size, images.name, dims), labels: part };
    }
    await checkEnd(bytes, images.name, dims);
  }
  return { shape, classes: () => Math.max(2, highest(labels) + 1), chunks: chunks() };
}

export interface IdxFiles {
  readonly images: string;
  readonly labels: string;
}

/** Finds `train-*` and `t10k-*` (or `test-*`) image and label files in a directory, `.gz` or not. Throws `DATA_NOT_FOUND`. */
export async function findIdxFiles(directory: string): Promise<{ train: IdxFiles; test: IdxFiles }> {
  const names = await readdir(directory).catch((cause) => {
    throw dataNotFound(directory, 'a readable directory', cause);
  });
  const find = (set: RegExp, kind: string): string => {
    const found = names.find(
      (name) => set.test(name) && name.includes(kind) && /ubyte(\.gz)?$|idx\d?(\.gz)?$/.test(name),
    );
    if (found === undefined) throw dataNotFound(directory, `${set.source}…${kind}…-ubyte[.gz]`);
    return join(directory, found);
  };
  const pair = (set: RegExp): IdxFiles => ({ images: find(set, 'images'), labels: find(set, 'labels') });
  return { train: pair(/^train/), test: pair(/^(?:t10k|test)/) };
}

/** Runs `use` on both files of a set. */
export async function withIdx<T>(files: IdxFiles, use: (stream: RecordStream) => Promise<T>): Promise<T> {
  const images = await bytesOfFile(files.images);
  try {
    const labels = await bytesOfFile(files.labels);
    try {
      return await use(await streamIdx(images, labels));
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
    const bytes = pull(file);
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
