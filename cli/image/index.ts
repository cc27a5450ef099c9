/** Images for `fedai predict`: PNG, JPEG, PGM, raw bytes, one of an IDX file, or one of the demo digits. */
import { readFile } from 'node:fs/promises';
import { FedaiError } from '../../core/index.ts';
import { readIdxImage } from '../../storage/index.ts';
import { demoDigits } from '../demo/index.ts';
import { isJpeg, readJpeg } from './jpeg.ts';
import { type Image, withChannels } from './pixels.ts';
import { isPng, readPng } from './png.ts';

export interface LabelledInput {
  /** As many bytes as the model takes. */
  pixels: Uint8Array;
  /** What it is, where that is known. */
  label?: number;
}

/**
 * `source`: a PNG, JPEG, PGM or raw file; `idx:FILE:NUMBER`; or `demo:NUMBER` (a digit of the demo's test set). `shape` is the
 * model's input (height, width, channels). Throws `BAD_IMAGE` when it does not fit.
 */
export async function readImage(source: string, shape: readonly number[]): Promise<LabelledInput> {
  const size = shape.reduce((product, side) => product * side, 1);
  const demo = /^demo:(\d+)$/.exec(source);
  if (demo) {
    const digits = await demoDigits('test');
    const index = checkIndex(Number(demo[1]), digits.labels.length);
    return fit(
      { pixels: digits.inputs.subarray(index * 784, (index + 1) * 784), label: digits.labels[index]! },
      size,
    );
  }
  const indexed = /^idx:(.+):(\d+)$/.exec(source);
  if (indexed) {
    return fit({ pixels: await readIdxImage(indexed[1]!, Number(indexed[2])) }, size);
  }
  return fit({ pixels: await pixelsOf(await readFile(source), shape) }, size);
}

async function pixelsOf(file: Uint8Array, shape: readonly number[]): Promise<Uint8Array> {
  const image = await decodeImage(file);
  if (!image) return file;
  const [height, width] = shape;
  if (image.height !== height || image.width !== width) {
    throw badImage('the image has another size than the model takes', {
      got: `${image.width}x${image.height}`,
      expected: `${width}x${height}`,
    });
  }
  return withChannels(image, shape[2] === 3 ? 3 : 1).pixels;
}

/** A PNG, JPEG or PGM; undefined when it is none of them. Throws `BAD_IMAGE`. */
export async function decodeImage(file: Uint8Array): Promise<Image | undefined> {
  if (isPng(file)) return readPng(file);
  return isJpeg(file) ? readJpeg(file) : readPgm(file);
}

/** Binary PGM with 8 bits a pixel (https://netpbm.sourceforge.net/doc/pgm.html); undefined when it is something else. */
function readPgm(file: Uint8Array): Image | undefined {
  const head = Buffer.from(file.subarray(0, 200)).toString('latin1');
  const match = /^P5\s(?:#[^\n]*\n|\s)*(\d+)\s+(\d+)\s+255\s/.exec(head);
  if (!match) return undefined;
  const [width, height] = [Number(match[1]), Number(match[2])];
  const pixels = file.subarray(match[0].length);
  if (pixels.length !== width * height) {
    throw badImage('the PGM is not complete', { got: pixels.length, expected: width * height });
  }
  return { width, height, channels: 1, pixels };
}

function fit(input: LabelledInput, size: number): LabelledInput {
  if (input.pixels.length !== size) {
    throw badImage('the image has another size than the model takes', {
      got: input.pixels.length,
      expected: size,
    });
  }
  return input;
}

function checkIndex(index: number, count: number): number {
  if (index >= count)
    throw badImage('there is no image with this number', { got: index, expected: `< ${count}` });
  return index;
}

function badImage(message: string, data: Record<string, unknown>): FedaiError {
  return new FedaiError('BAD_IMAGE', message, data, {
    remedy: 'give a PNG, JPEG or PGM of the model’s size, its raw bytes, idx:FILE:NUMBER or demo:NUMBER',
  });
}
