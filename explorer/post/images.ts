/** Images of any kind that the browser reads, at the size of a model's input. Runs in a worker. */
import { FedaiError } from '../../core/index.ts';
import { type Records, splitRecords } from '../../storage/browser.ts';
import type { Dropped } from './messages.ts';

const IMAGE = /\.(?:png|jpe?g|webp|bmp|gif)$/i;
/** Labels are one byte. */
const MAX_CLASSES = 256;
const MAX_IMAGES = 2 ** 16;
const MAX_BYTES = 256 * 2 ** 20;

export const isImage = ({ path }: Dropped): boolean => IMAGE.test(path);

/** The folder that an image lies in. */
const classOf = ({ path }: Dropped): string => path.split('/').at(-2) ?? '';

export interface ImageSets {
  readonly train: Records;
  readonly test: Records;
  readonly classNames: string[];
}

/** One folder a class, in the order of their names. `input`: height, width, channels. Throws `BAD_IMAGES`. */
export async function recordsFromImages(
  files: readonly Dropped[],
  input: readonly number[],
  onProgress: (share: number) => void,
): Promise<ImageSets> {
  const images = files.filter(isImage).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const classNames = [...new Set(images.map(classOf))].toSorted();
  const [height = 28, width = 28, channels = 1] = input;
  const size = height * width * channels;
  if (classNames.length < 2)
    throw badImages('they lie in one folder', 'Put the images of each class into a folder of its own.');
  if (classNames.length > MAX_CLASSES || images.length > MAX_IMAGES || images.length * size > MAX_BYTES)
    throw badImages(
      `${images.length} images in ${classNames.length} folders are too many for a page`,
      'Use fewer, or `fedai data import`.',
    );
  const inputs = new Uint8Array(images.length * size);
  for (const [i, { file, path }] of images.entries()) {
    inputs.set(await pixelsOf(file, path, { height, width, channels }), i * size);
    onProgress((i + 1) / images.length);
  }
  const labels = Uint8Array.from(images, (image) => classNames.indexOf(classOf(image)));
  const shape = [height, width, channels];
  const sets = splitRecords({ inputs, labels, shape, classes: classNames.length });
  return { ...sets, classNames };
}

interface Size {
  height: number;
  width: number;
  channels: number;
}

async function pixelsOf(file: File, path: string, { height, width, channels }: Size): Promise<Uint8Array> {
  let image: ImageBitmap;
  try {
    image = await createImageBitmap(file, {
      resizeWidth: width,
      resizeHeight: height,
      resizeQuality: 'high',
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    });
  } catch (cause) {
    throw badImages(`${path} is no image that this browser reads`, 'Take it out of the folder.', cause);
  }
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(image, 0, 0);
  image.close();
  const { data } = context.getImageData(0, 0, width, height);
  return Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const at = 4 * Math.floor(i / channels);
    return channels === 1 ? grey(data[at]!, data[at + 1]!, data[at + 2]!) : data[at + (i % channels)]!;
  });
}

/** ITU-R BT.601 luma, as the command line has it. */
const grey = (red: number, green: number, blue: number): number =>
  Math.round(0.299 * red + 0.587 * green + 0.114 * blue);

const badImages = (problem: string, remedy: string, cause?: unknown): FedaiError =>
  new FedaiError('BAD_IMAGES', `the images cannot be used: ${problem}`, {}, { remedy, cause });
