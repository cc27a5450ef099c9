/** Reads small PNG images as grey bytes: 8 bits a channel, not interlaced (https://www.w3.org/TR/png-3/). */
import { inflateSync } from 'node:zlib';
import { FedaiError } from '../../core/index.ts';
import type { GreyImage } from './index.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Bytes a pixel by colour type: grey, RGB, grey with alpha, RGB with alpha. Palettes are not read. */
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 4: 2, 6: 4 };
const MAX_SIDE = 4096;

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

/** Throws `BAD_IMAGE`. */
export function readPng(bytes: Uint8Array): GreyImage {
  const { header, data } = readChunks(bytes);
  const width = header.getUint32(0);
  const height = header.getUint32(4);
  const channels = CHANNELS[header.getUint8(9)];
  if (channels === undefined || header.getUint8(8) !== 8 || header.getUint8(12) !== 0) {
    throw badPng('only 8 bits a channel, no palette, no interlacing');
  }
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) throw badPng('its size');
  const expected = height * (width * channels + 1);
  let raw: Uint8Array;
  try {
    raw = inflateSync(data, { maxOutputLength: expected });
  } catch (cause) {
    throw badPng('its pixels do not unpack', cause);
  }
  if (raw.length !== expected) throw badPng('its pixels are not complete');
  return { width, height, pixels: toGrey(unfilter(raw, width, height, channels), channels) };
}

function readChunks(bytes: Uint8Array): { header: DataView; data: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let header: DataView | undefined;
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR' && body.length === 13) header = new DataView(body.buffer, body.byteOffset, 13);
    if (type === 'IDAT') parts.push(body);
    if (type === 'IEND') break;
    at += 12 + length;
  }
  if (!header || parts.length === 0) throw badPng('chunks are missing');
  return { header, data: Buffer.concat(parts) };
}

/** Section 9 of the standard: each row names its filter. */
function unfilter(raw: Uint8Array, width: number, height: number, channels: number): Uint8Array {
  const stride = width * channels;
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x >= channels ? out[at - channels]! : 0;
      const up = y > 0 ? out[at - stride]! : 0;
      const corner = x >= channels && y > 0 ? out[at - stride - channels]! : 0;
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

/** ITU-R BT.601 luma for colours; alpha is ignored. */
function toGrey(bytes: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array(bytes.length / channels);
  for (let i = 0; i < out.length; i++) {
    const at = i * channels;
    out[i] =
      channels < 3
        ? bytes[at]!
        : Math.round(0.299 * bytes[at]! + 0.587 * bytes[at + 1]! + 0.114 * bytes[at + 2]!);
  }
  return out;
}

function badPng(reason: string, cause?: unknown): FedaiError {
  return new FedaiError(
    'BAD_IMAGE',
    `this PNG cannot be read: ${reason}`,
    {},
    {
      cause,
      remedy: 'save it as an 8-bit grey or RGB PNG without interlacing',
    },
  );
}
