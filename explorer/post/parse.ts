/** Dropped files as records, by the readers that `fedai data import` has. Runs in a worker. */
import { FedaiError } from '../../core/index.ts';
import {
  bytesInMemory,
  collect,
  idxFileOf,
  type Records,
  splitRecords,
  streamCsv,
  streamIdx,
  streamText,
  TEST_SET,
  TRAIN_SET,
} from '../../storage/browser.ts';
import { isImage, recordsFromImages } from './images.ts';
import type { DataFacts, Dropped } from './messages.ts';

export interface Sets {
  readonly kind: DataFacts['kind'];
  readonly train: Records;
  readonly test: Records;
  readonly classNames: readonly string[];
}

/** A page holds all of it, and its shards beside it. */
const MAX_BYTES = 256 * 2 ** 20;
const TEXT_WINDOW = 32;

const nameOf = ({ path }: Dropped): string => path.split('/').at(-1)!.toLowerCase();

const badData = (problem: string, remedy: string, cause?: unknown): FedaiError =>
  new FedaiError('BAD_DATA', problem, {}, { remedy, cause });

/** `input`: of the model, which images and text are cut to. Throws what is wrong with the files, and what to do. */
export async function readDropped(
  files: readonly Dropped[],
  input: readonly number[],
  onProgress: (share: number) => void,
): Promise<Sets> {
  const seen = files.filter((one) => !nameOf(one).startsWith('.'));
  const bytes = seen.reduce((sum, { file }) => sum + file.size, 0);
  if (bytes > MAX_BYTES)
    throw badData(
      `${Math.round(bytes / 2 ** 20)} MiB are too much for a page`,
      'Use less of it, or `fedai data import` and `fedai job post`.',
    );
  if (seen.some(isImage)) return { kind: 'images', ...(await recordsFromImages(seen, input, onProgress)) };
  if (seen.some((one) => /ubyte|\.idx/.test(nameOf(one)))) return readIdx(seen);
  const [only, ...others] = seen;
  if (only !== undefined && others.length === 0) {
    const name = nameOf(only);
    const source = bytesInMemory(new Uint8Array(await only.file.arrayBuffer()), only.path);
    if (name.endsWith('.csv'))
      return { kind: 'CSV table', classNames: [], ...splitRecords(await collect(await streamCsv(source))) };
    if (/\.(?:txt|md|text)$/.test(name)) {
      const window = input.length === 1 ? input[0]! : TEXT_WINDOW;
      return { kind: 'text', classNames: [], ...splitRecords(await collect(streamText(source, window))) };
    }
  }
  throw badData(
    'these files are no data set that a page reads',
    'Drop the IDX files as MNIST comes, one CSV table, one text file, or a folder with a folder of images for each class.',
  );
}

async function readIdx(files: readonly Dropped[]): Promise<Sets> {
  const names = files.map(nameOf);
  const read = async (name: string) => bytesInMemory(await unpacked(files[names.indexOf(name)]!), name);
  const pair = async (set: RegExp): Promise<Records | undefined> => {
    const images = idxFileOf(names, set, 'images');
    const labels = idxFileOf(names, set, 'labels');
    return images === undefined || labels === undefined
      ? undefined
      : await collect(await streamIdx(await read(images), await read(labels)));
  };
  const [train, test] = [await pair(TRAIN_SET), await pair(TEST_SET)];
  if (train !== undefined && test !== undefined) {
    const classes = Math.max(train.classes, test.classes);
    return {
      kind: 'IDX files',
      classNames: [],
      train: { ...train, classes },
      test: { ...test, classes },
    };
  }
  const any = train ?? test ?? (await pair(/^/));
  if (any === undefined)
    throw badData('a file of images or of labels is missing', 'Drop both files of a set together.');
  return { kind: 'IDX files', classNames: [], ...splitRecords(any) };
}

/** What is gzipped is unpacked, and a bomb is cut. */
async function unpacked({ file, path }: Dropped): Promise<Uint8Array> {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (head[0] !== 0x1f || head[1] !== 0x8b) return new Uint8Array(await file.arrayBuffer());
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of file.stream().pipeThrough(new DecompressionStream('gzip'))) {
      size += part.length;
      if (size > MAX_BYTES) throw badData(`${path} unpacks to too much`, 'Use a smaller file.');
      parts.push(part);
    }
  } catch (cause) {
    if (cause instanceof FedaiError) throw cause;
    throw badData(`${path} cannot be unpacked`, 'Fetch the file again.', cause);
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}
