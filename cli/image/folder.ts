/** Folders of images: one folder a class, in the order of their names, read one image at a time. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch, RecordStream } from '../../storage/index.ts';
import { badSource } from '../sourceError.ts';
import { readImage } from './index.ts';

/** Labels are one byte. */
const MAX_CLASSES = 256;
const MAX_IMAGES = 2 ** 22;

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
      if (/\.(?:png|pgm)$/i.test(file)) files.push({ path: join(folder, name, file), label });
  const tooMany = classes.length > MAX_CLASSES || files.length > MAX_IMAGES;
  if (classes.length < 2 || files.length === 0 || tooMany)
    throw badSource(
      `${classes.length} folders with ${files.length} images: too ${tooMany ? 'many' : 'few'}`,
      folder,
    );
  return { files, classes: classes.length };
}

export async function streamImages(
  folder: string,
  shape: readonly number[] | undefined,
): Promise<RecordStream> {
  if (!shape) throw badSource('images are cut to the input of a model; use `fedai train`', folder);
  const { files, classes } = await list(folder);
  async function* chunks(): AsyncGenerator<RecordBatch> {
    for (const { path, label } of files)
      yield { inputs: (await readImage(path, shape!)).pixels, labels: Uint8Array.of(label) };
  }
  return { shape, classes: () => classes, chunks: chunks() };
}
