/** Data sources as named on the command line: `KIND:PATH`, or `demo` for the digits that come with the package. Records pass through a scratch file: no source is ever whole in memory. */
import { tmpdir } from 'node:os';
import {
  type ByteSource,
  bytesOfFile,
  type DecodeImage,
  findIdxFiles,
  openNpz,
  type RecordSets,
  spool,
  spoolSplit,
  streamCsv,
  streamParquet,
  streamText,
  withIdx,
} from '../storage/index.ts';
import { checkDemoData, DEMO_DATA } from './demo/index.ts';
import { badSource } from './sourceError.ts';

export type Sets = RecordSets;

export interface SourceOptions {
  /** Folder of the scratch files; the system's for temporary files by default. */
  readonly scratch?: string;
  /** Of the model's input, which images and text are cut by. */
  readonly shape?: readonly number[];
  /** Images are scaled to this size. */
  readonly size?: { readonly width: number; readonly height: number };
}

const KINDS = /^(idx|npz|csv|parquet|text|images):(.+)$/;

/** The caller closes both sets. Throws `BAD_SOURCE` for another kind, and what the readers throw. */
export async function readSource(source: string, options: SourceOptions = {}): Promise<Sets> {
  const { scratch = tmpdir(), shape } = options;
  if (source === 'demo') {
    checkDemoData();
    return readIdx(DEMO_DATA, scratch);
  }
  const [, kind, path] = KINDS.exec(source) ?? [];
  if (path === undefined) throw badSource('not a data source', source);
  if (kind === 'idx') return readIdx(path, scratch);
  if (kind === 'images') {
    const { streamImages } = await import('./image/folder.ts');
    return spoolSplit(scratch, await streamImages(path, options));
  }
  return withFile(path, async (file) => {
    if (kind === 'npz') return readNpz(file, scratch);
    if (kind === 'csv') return spoolSplit(scratch, await streamCsv(file));
    if (kind === 'parquet')
      return spoolSplit(scratch, await streamParquet(file, await imageDecoder(options)));
    if (shape?.length !== 1)
      throw badSource('text is cut to a model with an input of one dimension; use `fedai train`', source);
    return spoolSplit(scratch, streamText(file, shape[0]!));
  });
}

async function withFile<T>(path: string, use: (file: ByteSource) => Promise<T>): Promise<T> {
  const file = await bytesOfFile(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function readIdx(folder: string, scratch: string): Promise<Sets> {
  const files = await findIdxFiles(folder);
  const train = await withIdx(files.train, (stream) => spool(scratch, stream));
  const test = await withIdx(files.test, (stream) => spool(scratch, stream, train.classes));
  return { train, test };
}

async function readNpz(file: ByteSource, scratch: string): Promise<Sets> {
  const streamOf = await openNpz(file);
  const train = await spool(scratch, await streamOf('train'));
  return { train, test: await spool(scratch, await streamOf('test'), train.classes) };
}

/** Image files in a column, in the model's channels and the size that was asked for. */
async function imageDecoder({ shape, size }: SourceOptions): Promise<DecodeImage> {
  const [{ decodeImage }, { resized, withChannels }] = await Promise.all([
    import('./image/index.ts'),
    import('./image/pixels.ts'),
  ]);
  return async (bytes) => {
    const image = await decodeImage(bytes);
    if (!image) return undefined;
    const own = withChannels(image, shape === undefined ? image.channels : shape[2] === 3 ? 3 : 1);
    const { width, height, channels, pixels } = size ? resized(own, size.width, size.height) : own;
    return { pixels, shape: [height, width, channels] };
  };
}
