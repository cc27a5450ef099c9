/** The IDX format of the MNIST files (http://yann.lecun.com/exdb/mnist), a part at a time: labels first, then images as they come. A browser loads it. */
import { FedaiError } from '../../core/index.ts';
import { type ByteSource, type Puller, pullFrom } from './bytes.ts';
import { checkShape, chunkRecords, highest, type RecordBatch, type RecordStream, sizeOf } from './record.ts';

const UNSIGNED_BYTE = 0x08;
const MAX_RANK = 4;

export function badIdx(
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

/** How the bytes of a file are come by: what is gzipped is unpacked on the way. */
export type OpenBytes = (source: ByteSource) => AsyncIterable<Uint8Array>;
const asTheyAre: OpenBytes = (source) => source.stream();

export async function readDims(bytes: Puller, name: string): Promise<number[]> {
  const magic = await bytes.take(4);
  const rank = magic[3] ?? 0;
  if (magic[0] !== 0 || magic[1] !== 0 || magic[2] !== UNSIGNED_BYTE || rank < 1 || rank > MAX_RANK)
    throw badIdx(name, 'not an IDX file of unsigned bytes', { got: [...magic], expected: [0, 0, 8, '1…4'] });
  const sides = await bytes.take(4 * rank);
  if (sides.length < 4 * rank) throw badIdx(name, 'its head is cut off');
  const view = new DataView(sides.buffer);
  return Array.from({ length: rank }, (_, i) => view.getUint32(4 * i));
}

export async function takeAll(
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

async function readLabels(source: ByteSource, open: OpenBytes): Promise<Uint8Array> {
  const bytes = pullFrom(open(source));
  const dims = await readDims(bytes, source.name);
  if (dims.length !== 1) throw badIdx(source.name, 'labels have one dimension', { dims });
  checkShape([1], dims[0]!);
  const labels = await takeAll(bytes, dims[0]!, source.name, dims);
  await checkEnd(bytes, source.name, dims);
  return labels;
}

/** Images (rank 3: count, rows, columns; or rank 4 with channels) and labels (rank 1). Throws `BAD_IDX`, `BAD_RECORDS`, `TOO_LARGE`. */
export async function streamIdx(
  images: ByteSource,
  labelFile: ByteSource,
  open: OpenBytes = asTheyAre,
): Promise<RecordStream> {
  const labels = await readLabels(labelFile, open);
  const bytes = pullFrom(open(images));
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

const NAME = /ubyte(\.gz)?$|idx\d?(\.gz)?$/;

/** The file of a set as MNIST comes: `train-*`, `t10k-*` or `test-*`, gzipped or not. */
export const idxFileOf = (
  names: readonly string[],
  set: RegExp,
  kind: 'images' | 'labels',
): string | undefined => names.find((name) => set.test(name) && name.includes(kind) && NAME.test(name));

export const TRAIN_SET = /^train/;
export const TEST_SET = /^(?:t10k|test)/;
