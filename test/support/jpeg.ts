/** Real JPEG files, made by mozjpeg. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import encode, { init } from '@jsquash/jpeg/encode.js';

export interface JpegKind {
  readonly progressive?: boolean;
  readonly grey?: boolean;
  readonly quality?: number;
}

const GREY = 1;
const YCBCR = 3;
const path = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
let ready: Promise<unknown> | undefined;

export async function jpeg(
  width: number,
  height: number,
  pixelOf: (x: number, y: number) => readonly number[],
  { progressive = false, grey = false, quality = 90 }: JpegKind,
): Promise<Uint8Array> {
  ready ??= Promise.resolve(init(new WebAssembly.Module(readFileSync(path))));
  await ready;
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) data.set([...pixelOf(x, y), 255], 4 * (y * width + x));
  const image = { data, width, height } as ImageData;
  const color_space = grey ? GREY : YCBCR;
  return new Uint8Array(
    await encode(image, { progressive, baseline: !progressive, color_space, quality, chroma_subsample: 1 }),
  );
}
