/**
 * Reads JPEG images, baseline and progressive, as grey or colour bytes (ITU-T T.81) through mozjpeg in WebAssembly. Its
 * arithmetic is of integers, so that all machines agree. What a file claims is bounded here before the decoder sees it.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { FedaiError } from '../../core/index.ts';
import type { Image } from './pixels.ts';

const MAX_SIDE = 4096;
/** Progressive files of common encoders have about ten; each goes over the whole image. */
const MAX_SCANS = 100;
/** Pixels that all scans go over: a few seconds. */
const MAX_SCANNED = 2 ** 29;
/** The decoder's memory never shrinks: after an image that took more it is opened afresh. */
const MAX_KEPT_BYTES = 64 * 2 ** 20;

const [SOI, EOI, SOS] = [0xd8, 0xd9, 0xda] as const;
/** Baseline, extended and progressive, with Huffman codes; other frames are lossless, hierarchical or arithmetic. */
const FRAMES = [0xc0, 0xc1, 0xc2];
/** Markers that look like frames: tables and extensions. */
const NO_FRAMES = [0xc4, 0xc8, 0xcc];
const FRAME_BYTES = 9;

/** Markers that stand alone, without a length. */
const isBare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= SOI);
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.includes(marker);

export const isJpeg = (bytes: Uint8Array): boolean =>
  bytes[0] === 0xff && bytes[1] === SOI && bytes[2] === 0xff;

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** Of the pixels that come out: 1 or 3. */
  readonly channels: 1 | 3;
}

/** What the markers of a whole file say; nothing is decoded. Throws `BAD_IMAGE`. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  let header: JpegHeader | undefined;
  let scans = 0;
  for (let at = 2; at < bytes.length; ) {
    // Coded data and filling: up to the next marker.
    if (bytes[at] !== 0xff || bytes[at + 1] === 0xff || bytes[at + 1] === 0) {
      at++;
      continue;
    }
    const marker = bytes[at + 1];
    if (marker === undefined) break;
    at += 2;
    if (marker === EOI) {
      if (!header || scans === 0) throw badJpeg('it has no image');
      return header;
    }
    if (isBare(marker)) continue;
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (length < 2 || at + length > bytes.length) break;
    if (isFrame(marker)) {
      if (header) throw badJpeg('it has two frames');
      header = readFrame(marker, bytes.subarray(at, at + length));
    }
    if (marker === SOS) checkScans(++scans, header);
    at += length;
  }
  throw badJpeg('it is cut off');
}

function readFrame(marker: number, frame: Uint8Array): JpegHeader {
  if (!FRAMES.includes(marker)) throw badJpeg('it is neither baseline nor progressive');
  if (frame.length < FRAME_BYTES) throw badJpeg('its frame is cut off');
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const [depth, height, width, components] = [
    view.getUint8(2),
    view.getUint16(3),
    view.getUint16(5),
    view.getUint8(7),
  ];
  if (depth !== 8) throw badJpeg(`samples of ${depth} bits`);
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
    throw badJpeg(`its size of ${width}x${height}`);
  if (components !== 1 && components !== 3) throw badJpeg(`${components} colours a pixel`);
  return { width, height, channels: components };
}

function checkScans(scans: number, header: JpegHeader | undefined): void {
  if (!header) throw badJpeg('a scan comes before its frame');
  if (scans > MAX_SCANS || scans * header.width * header.height > MAX_SCANNED)
    throw badJpeg('it has too many scans for its size');
}

interface Decoder {
  /** Pixels with four bytes each. Ends the decoder when it throws. */
  decode(bytes: Uint8Array, turn: boolean): { width: number; height: number; data: Uint8ClampedArray } | null;
  readonly HEAPU8: Uint8Array;
}

interface Held {
  readonly decoder: Decoder;
  /** What it complained of since it was last emptied. */
  readonly complaints: string[];
}

let compiled: Promise<WebAssembly.Module> | undefined;
let held: Promise<Held> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const path = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
  return new WebAssembly.Module(await readFile(path));
}

async function openHeld(): Promise<Held> {
  compiled ??= compile();
  const [module, { default: create }] = await Promise.all([
    compiled,
    import('@jsquash/jpeg/codec/dec/mozjpeg_dec.js'),
  ]);
  const complaints: string[] = [];
  const decoder = (await create({
    noInitialRun: true,
    printErr: (line: string) => complaints.push(line),
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: never) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance as never);
      return instance.exports;
    },
  } as never)) as unknown as Decoder;
  return { decoder, complaints };
}

/** Bytes between the image and its end: nothing of the image is missing. */
const HARMLESS = /extraneous bytes before marker 0xd9/;

/** Turns by EXIF are ignored, as libraries of training do. Throws `BAD_IMAGE`. */
export async function readJpeg(bytes: Uint8Array): Promise<Image> {
  const { width, height, channels } = readJpegHeader(bytes);
  held ??= openHeld();
  const { decoder, complaints } = await held;
  complaints.length = 0;
  let out: ReturnType<Decoder['decode']>;
  try {
    out = decoder.decode(bytes, false);
  } catch (cause) {
    held = undefined;
    throw badJpeg(complaints[0] ?? 'its pixels do not decode', cause);
  }
  if (decoder.HEAPU8.byteLength > MAX_KEPT_BYTES) held = undefined;
  const complaint = complaints.find((line) => !HARMLESS.test(line));
  if (complaint !== undefined) throw badJpeg(complaint);
  if (!out || out.width !== width || out.height !== height) throw badJpeg('its pixels are not complete');
  return { width, height, channels, pixels: withoutAlpha(out.data, width * height, channels) };
}

function withoutAlpha(data: Uint8ClampedArray, count: number, channels: 1 | 3): Uint8Array {
  const pixels = new Uint8Array(count * channels);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < channels; c++) pixels[channels * i + c] = data[4 * i + c]!;
  return pixels;
}

function badJpeg(reason: string, cause?: unknown): FedaiError {
  return new FedaiError(
    'BAD_IMAGE',
    `this JPEG cannot be read: ${reason}`,
    {},
    { cause, remedy: 'save it as a grey or RGB JPEG (baseline or progressive), or as PNG' },
  );
}
