/** Reads PNG images as grey or colour bytes: any depth, with or without a palette, not interlaced (https://www.w3.org/TR/png-3/). */
import { inflateSync } from 'node:zlib';
import { FedaiError } from '../../core/index.ts';
import type { Image } from './pixels.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const PALETTE = 3;
/** Samples a pixel by colour type: grey, RGB, a place in the palette, grey with alpha, RGB with alpha. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, [PALETTE]: 1, 4: 2, 6: 4 };
/** Bits a sample by colour type. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  [PALETTE]: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const MAX_SIDE = 4096;
/** Unpacked: an image of 4096 × 4096 in colour with alpha. */
const MAX_RAW_BYTES = 65 * 1024 * 1024;
const HEADER_AT = 16;
const HEADER_BYTES = 13;

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Of the pixels that come out: 1 or 3. */
  readonly channels: 1 | 3;
  readonly type: number;
  readonly depth: number;
}

/** What the first 29 bytes of a file say; nothing is unpacked. Throws `BAD_IMAGE`. */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  if (!isPng(bytes) || bytes.length < HEADER_AT + HEADER_BYTES) throw badPng('it is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset + HEADER_AT, HEADER_BYTES);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, type, interlaced] = [view.getUint8(8), view.getUint8(9), view.getUint8(12)];
  if (!DEPTHS[type]?.includes(depth)) throw badPng(`colour type ${type} with ${depth} bits`);
  if (interlaced !== 0) throw badPng('it is interlaced');
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) throw badPng('its size');
  return { width, height, channels: type === 0 || type === 4 ? 1 : 3, type, depth };
}

/** Throws `BAD_IMAGE`. */
export function readPng(bytes: Uint8Array): Image {
  const header = readPngHeader(bytes);
  const { width, height, channels, type, depth } = header;
  const { data, palette } = readChunks(bytes);
  const stride = Math.ceil((width * SAMPLES[type]! * depth) / 8);
  const expected = height * (stride + 1);
  if (expected > MAX_RAW_BYTES) throw badPng('its size');
  let raw: Uint8Array;
  try {
    raw = inflateSync(data, { maxOutputLength: expected });
  } catch (cause) {
    throw badPng('its pixels do not unpack', cause);
  }
  if (raw.length !== expected) throw badPng('its pixels are not complete');
  const rows = unfilter(raw, stride, height, Math.max(1, (SAMPLES[type]! * depth) >> 3));
  return { width, height, channels, pixels: toPixels(rows, stride, header, palette) };
}

function readChunks(bytes: Uint8Array): { data: Uint8Array; palette: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let palette: Uint8Array = new Uint8Array(0);
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'PLTE') palette = body;
    if (type === 'IDAT') parts.push(body);
    if (type === 'IEND') break;
    at += 12 + length;
  }
  if (parts.length === 0) throw badPng('chunks are missing');
  return { data: Buffer.concat(parts), palette };
}

/** Section 9 of the standard: each row names its filter; `back` bytes lie between a byte and that to its left. */
function unfilter(raw: Uint8Array, stride: number, height: number, back: number): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x >= back ? out[at - back]! : 0;
      const up = y > 0 ? out[at - stride]! : 0;
      const corner = x >= back && y > 0 ? out[at - stride - back]! : 0;
      out[at] = raw[y * (stride + 1) + 1 + x]! + predictor(filter, left, up, corner);
    }
  }
  return out;
}

function predictor(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) throw badPng('unknown filter');
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** Samples as bytes: the high byte of 16 bits, fewer bits spread over 0 … 255. Alpha is ignored. */
function toPixels(
  rows: Uint8Array,
  stride: number,
  { width, height, channels, type, depth }: PngHeader,
  palette: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(width * height * channels);
  const samples = SAMPLES[type]!;
  const most = 2 ** Math.min(8, depth) - 1;
  const sample = (y: number, i: number): number => {
    if (depth >= 8) return rows[y * stride + (i * depth) / 8]!;
    const bit = i * depth;
    return (rows[y * stride + (bit >> 3)]! >> (8 - depth - (bit & 7))) & most;
  };
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        if (type === PALETTE) {
          const colour = palette[3 * sample(y, x) + c];
          if (colour === undefined) throw badPng('a colour is not in its palette');
          out[to++] = colour;
        } else out[to++] = (sample(y, x * samples + c) * 255) / most;
      }
  return out;
}

function badPng(reason: string, cause?: unknown): FedaiError {
  return new FedaiError(
    'BAD_IMAGE',
    `this PNG cannot be read: ${reason}`,
    {},
    { cause, remedy: 'save it as a grey or RGB PNG without interlacing' },
  );
}
