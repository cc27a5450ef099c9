/** Folders of images: one folder a class, in the order of their names, read one image at a time. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError } from '../../core/index.ts';
import type { RecordBatch, RecordStream } from '../../storage/index.ts';
import { badSource } from '../sourceError.ts';
import { decodeImage } from './index.ts';
import { isJpeg, readJpegHeader } from './jpeg.ts';
import { type Image, resized, withChannels } from './pixels.ts';
import { isPng, readPngHeader } from './png.ts';

/** Labels are one byte. */
const MAX_CLASSES = 256;
const MAX_IMAGES = 2 ** 22;
/** One image file. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const HEAD_BYTES = 29;

export interface ImageOptions {
  /** Of the model's input: says size and channels. */
  readonly shape?: readonly number[];
  /** Images of other sizes are scaled to this one, in place of being refused. */
  readonly size?: { readonly width: number; readonly height: number };
}

interface Listed {
  readonly path: string;
  readonly label: number;
}

async function list(folder: string): Promise<{ files: Listed[]; classes: number }> {
  const entries = await readdir(folder, { withFileTypes: true });
  const classes = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).toSorted();
  const files: Listed[] = [];
  for (const [label, name] of classes.entries())
    for (const file of (await readdir(join(folder, name))).toSorted())
      if (/\.(?:png|jpe?g|pgm)$/i.test(file)) files.push({ path: join(folder, name, file), label });
  const tooMany = classes.length > MAX_CLASSES || files.length > MAX_IMAGES;
  if (classes.length < 2 || files.length === 0 || tooMany)
    throw badSource(
      `${classes.length} folders with ${files.length} images: too ${tooMany ? 'many' : 'few'}`,
      folder,
    );
  return { files, classes: classes.length };
}

/** The error of an image names its file. */
async function ofFile<T>(path: string, read: () => Promise<T> | T): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof FedaiError)) throw cause;
    const { code, message, data, remedy } = cause;
    throw new FedaiError(
      code,
      `${path}: ${message}`,
      { ...data, path },
      { cause, ...(remedy && { remedy }) },
    );
  }
}

async function readBounded(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES)
    throw new FedaiError('TOO_LARGE', 'the image file is too large', { got: size, expected: MAX_FILE_BYTES });
  return readFile(path);
}

/** Size and channels without a model: of the first image, in colour when any image is. */
async function shapeOf(files: readonly Listed[], size: ImageOptions['size']): Promise<readonly number[]> {
  let first = size;
  let channels = 1;
  for (const { path } of files) {
    const header = await headerOf(path);
    first ??= header;
    channels = Math.max(channels, header.channels);
  }
  return [first!.height, first!.width, channels];
}

const headerOf = (path: string) =>
  ofFile(path, async () => {
    const file = await open(path, 'r');
    try {
      const { buffer } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
      if (isPng(buffer)) return readPngHeader(buffer);
    } finally {
      await file.close();
    }
    const bytes = await readBounded(path);
    if (isJpeg(bytes)) return readJpegHeader(bytes);
    return known(await decodeImage(bytes));
  });

function known(image: Image | undefined): Image {
  if (!image) throw new FedaiError('BAD_IMAGE', 'neither PNG, JPEG nor PGM');
  return image;
}

async function pixelsOf(file: Uint8Array, shape: readonly number[], canScale: boolean): Promise<Uint8Array> {
  const image = known(await decodeImage(file));
  const [height, width, channels] = shape as [number, number, number?];
  if (!canScale && (image.width !== width || image.height !== height))
    throw new FedaiError(
      'BAD_IMAGE',
      'the image has another size than the model or the images before it',
      { got: `${image.width}x${image.height}`, expected: `${width}x${height}` },
      { remedy: `scale it, or give --size ${width}x${height}` },
    );
  return resized(withChannels(image, channels === 3 ? 3 : 1), width, height).pixels;
}

/** Throws `BAD_SOURCE`, and `BAD_IMAGE` with the file. */
export async function streamImages(folder: string, options: ImageOptions): Promise<RecordStream> {
  const { files, classes } = await list(folder);
  const shape = options.shape ?? (await shapeOf(files, options.size));
  if (shape.length < 2 || ![1, 3, undefined].includes(shape[2]))
    throw badSource('images need a model with an input of [height, width, 1 or 3]', folder);
  async function* chunks(): AsyncGenerator<RecordBatch> {
    for (const { path, label } of files) {
      const inputs = await ofFile(path, async () =>
        pixelsOf(await readBounded(path), shape, options.size !== undefined),
      );
      yield { inputs, labels: Uint8Array.of(label) };
    }
  }
  return { shape, classes: () => classes, chunks: chunks() };
}
