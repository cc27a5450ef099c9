/** Data sources as named on the command line: `KIND:PATH`, or `demo` for the digits that come with the package. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError } from '../core/index.ts';
import {
  type Records,
  readIdxDirectory,
  recordsFromCsv,
  recordsFromIdx,
  recordsFromNpz,
  recordsFromText,
  splitRecords,
} from '../storage/index.ts';
import { checkDemoData, DEMO_DATA } from './demo/index.ts';

export interface Sets {
  train: Records;
  test: Records;
}

/** What is held in memory while it is read: as of IDX files. */
const MAX_SOURCE_BYTES = 512 * 1024 * 1024;
/** Labels are one byte. */
const MAX_CLASSES = 256;
const MAX_IMAGES = 2 ** 18;

/** `shape`: of the model's input, which images and text are cut by. Throws `BAD_SOURCE` for another kind, and what the readers throw. */
export async function readSource(source: string, shape?: readonly number[]): Promise<Sets> {
  if (source === 'demo') {
    checkDemoData();
    return readIdx(DEMO_DATA);
  }
  const [, kind, path] = /^(idx|npz|csv|text|images):(.+)$/.exec(source) ?? [];
  if (path === undefined) throw badSource('not a data source', source);
  if (kind === 'idx') return readIdx(path);
  if (kind === 'npz') return recordsFromNpz(await readBounded(path));
  if (kind === 'csv') return recordsFromCsv(new TextDecoder().decode(await readBounded(path)));
  if (shape === undefined)
    throw badSource('text and images are cut to the input of a model; use `fedai train`', source);
  if (kind === 'images') return readImageFolder(path, shape);
  if (shape.length !== 1) throw badSource('text needs a model with an input of one dimension', source);
  return recordsFromText(await readBounded(path), shape[0]!);
}

const badSource = (message: string, source: string): FedaiError =>
  new FedaiError(
    'BAD_SOURCE',
    message,
    { got: source },
    {
      remedy:
        'give idx:DIR (IDX files as MNIST comes), npz:FILE, csv:FILE, images:DIR (a folder of PNG files a class), text:FILE, or demo',
    },
  );

async function readIdx(folder: string): Promise<Sets> {
  const files = await readIdxDirectory(folder);
  const train = recordsFromIdx(files.train.images, files.train.labels);
  return { train, test: recordsFromIdx(files.test.images, files.test.labels, train.classes) };
}

/** A copy: readers keep views, and small Node buffers share memory with each other. */
async function readBounded(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MAX_SOURCE_BYTES)
    throw new FedaiError('TOO_LARGE', 'the file is too large', {
      path,
      got: size,
      expected: MAX_SOURCE_BYTES,
    });
  return Uint8Array.from(await readFile(path));
}

/** One folder a class, in the order of their names; grey PNG or PGM files of the model's height and width. */
async function readImageFolder(folder: string, shape: readonly number[]): Promise<Sets> {
  const { readImage } = await import('./image/index.ts');
  const entries = await readdir(folder, { withFileTypes: true });
  const classes = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).toSorted();
  const files: { path: string; label: number }[] = [];
  for (const [label, name] of classes.entries())
    for (const file of (await readdir(join(folder, name))).toSorted())
      if (/\.(?:png|pgm)$/i.test(file)) files.push({ path: join(folder, name, file), label });
  const size = shape.reduce((product, side) => product * side, 1);
  const tooMany =
    classes.length > MAX_CLASSES || files.length > MAX_IMAGES || files.length * size > MAX_SOURCE_BYTES;
  if (classes.length < 2 || files.length === 0 || tooMany)
    throw badSource(
      `${classes.length} folders with ${files.length} images: too ${tooMany ? 'many' : 'few'}`,
      folder,
    );
  const inputs = new Uint8Array(files.length * size);
  for (const [i, { path }] of files.entries()) inputs.set((await readImage(path, shape)).pixels, i * size);
  return splitRecords(
    inputs,
    Uint8Array.from(files, ({ label }) => label),
    shape,
    classes.length,
  );
}
