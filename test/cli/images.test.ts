/** Folders of images as data sets: grey and colour, all depths of PNG, sizes that differ. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streamImages } from '../../cli/image/folder.ts';
import { decodeImage } from '../../cli/image/index.ts';
import { resized } from '../../cli/image/pixels.ts';
import { concatBytes, sha256, toHex, uintBytes, utf8 } from '../../core/index.ts';
import { collect } from '../../storage/index.ts';
import { type JpegKind, jpeg } from '../support/jpeg.ts';

const chunk = (type: string, body: Uint8Array): Uint8Array =>
  concatBytes(uintBytes(body.length, 4), utf8(type), body, new Uint8Array(4));
interface Png {
  width: number;
  type: number;
  depth?: number;
  /** Rows without their filter bytes. */
  rows: number[][];
  palette?: number[];
}
const png = ({ width, type, depth = 8, rows, palette }: Png): Uint8Array =>
  concatBytes(
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk(
      'IHDR',
      concatBytes(uintBytes(width, 4), uintBytes(rows.length, 4), Uint8Array.of(depth, type, 0, 0, 0)),
    ),
    ...(palette ? [chunk('PLTE', Uint8Array.from(palette))] : []),
    chunk('IDAT', new Uint8Array(deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row]))))),
    chunk('IEND', new Uint8Array(0)),
  );

const sha256Hex = (bytes: Uint8Array): string => toHex(sha256(bytes));
/** Of the progressive image below, on every machine. */
const PROGRESSIVE_PIXELS = '0x3378d5a42796332a958da5dcd25f23ca40207ee4a89ab33cbb1c60b863c7376b';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-images-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function put(set: string, files: Record<string, Uint8Array>): Promise<string> {
  for (const [name, bytes] of Object.entries(files)) {
    const [label, file] = name.split('/') as [string, string];
    await mkdir(join(folder, set, label), { recursive: true });
    await writeFile(join(folder, set, label, file), bytes);
  }
  return join(folder, set);
}

describe('PNG', () => {
  it.each<[string, Png, number, number[]]>([
    ['16 bits grey', { width: 2, type: 0, depth: 16, rows: [[1, 99, 255, 0]] }, 1, [1, 255]],
    ['16 bits RGB', { width: 1, type: 2, depth: 16, rows: [[1, 0, 2, 9, 3, 9]] }, 3, [1, 2, 3]],
    ['2 bits grey', { width: 4, type: 0, depth: 2, rows: [[0b00011011]] }, 1, [0, 85, 170, 255]],
    ['1 bit', { width: 3, type: 0, depth: 1, rows: [[0b10100000]] }, 1, [255, 0, 255]],
    [
      'a palette',
      { width: 2, type: 3, depth: 4, rows: [[0x10]], palette: [1, 2, 3, 4, 5, 6] },
      3,
      [4, 5, 6, 1, 2, 3],
    ],
    ['alpha', { width: 1, type: 6, rows: [[7, 8, 9, 0]] }, 3, [7, 8, 9]],
    ['grey with alpha', { width: 2, type: 4, rows: [[7, 0, 8, 0]] }, 1, [7, 8]],
  ])('of %s is read', async (_, file, channels, pixels) => {
    expect(await decodeImage(png(file))).toMatchObject({ channels, pixels: Uint8Array.from(pixels) });
  });

  it.each<[Uint8Array, RegExp]>([
    [png({ width: 2, type: 3, depth: 8, rows: [[0, 9]], palette: [1, 2, 3] }), /palette/],
    [png({ width: 2, type: 2, depth: 4, rows: [[0, 9]] }), /4 bits/],
    [png({ width: 4096, type: 6, depth: 16, rows: Array(4096).fill([]) }), /its size/],
    [png({ width: 1, type: 0, rows: [[1, ...Array(100_000).fill(0)]] }), /unpack/],
  ])('that is damaged or too large is refused %#', async (file, message) => {
    await expect(decodeImage(file)).rejects.toThrow(message);
  });
});

describe('JPEG', () => {
  const [width, height] = [16, 8];
  const ramp = (x: number, y: number): number[] => [8 * x, 16 * y, 128];
  const kinds: [string, JpegKind, number][] = [
    ['baseline colour', {}, 3],
    ['progressive colour', { progressive: true }, 3],
    ['grey', { grey: true }, 1],
    ['progressive grey', { grey: true, progressive: true }, 1],
  ];
  it.each(kinds)('of %s is read', async (_, kind, channels) => {
    const file = await jpeg(width, height, ramp, { ...kind, quality: 100 });
    const image = (await decodeImage(file))!;
    expect(image).toMatchObject({ width, height, channels });
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++) {
          const [red, green, blue] = ramp(x, y) as [number, number, number];
          const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
          const expected = channels === 1 ? grey : ramp(x, y)[c]!;
          expect(Math.abs(image.pixels[(y * width + x) * channels + c]! - expected)).toBeLessThan(12);
        }
  });

  it('has one value, whatever was refused before', async () => {
    const file = await jpeg(width, height, ramp, { progressive: true });
    const first = await decodeImage(file);
    const scan = file.findLastIndex((byte, i) => byte === 0xff && file[i + 1] === 0xda);
    // The first of the bytes that say which coefficients a scan holds.
    await expect(decodeImage(file.with(scan + 7, 0xff))).rejects.toThrow(/progressive/);
    expect(await decodeImage(file)).toEqual(first);
    expect(sha256Hex(first!.pixels)).toBe(PROGRESSIVE_PIXELS);
  });

  it('that is damaged or too large is refused', async () => {
    const file = await jpeg(width, height, ramp, {});
    const frame = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xc0);
    const end = file.length - 2;
    const scan = file.slice(
      file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xda),
      end,
    );
    const cases: [Uint8Array, RegExp][] = [
      [file.subarray(0, file.length - 20), /cut off/],
      [concatBytes(file.subarray(0, file.length - 12), file.subarray(end)), /premature end/],
      [file.with(frame + 5, 0x20), /its size of 16x8200/],
      [file.with(frame + 1, 0xc3), /neither baseline nor progressive/],
      [file.with(frame + 1, 0xc9), /neither baseline nor progressive/],
      [file.with(frame + 4, 12), /12 bits/],
      [file.with(frame + 9, 4), /4 colours/],
      [concatBytes(file.subarray(0, end), file.subarray(frame)), /two frames/],
      [concatBytes(file.subarray(0, end), ...Array(101).fill(scan), file.subarray(end)), /too many scans/],
    ];
    for (const [bytes, message] of cases)
      await expect(decodeImage(bytes)).rejects.toMatchObject({
        code: 'BAD_IMAGE',
        message: expect.stringMatching(message),
      });
  });
});

it('an image is scaled by areas', () => {
  const image = {
    width: 4,
    height: 2,
    channels: 1 as const,
    pixels: Uint8Array.of(0, 2, 4, 6, 10, 12, 14, 16),
  };
  expect([...resized(image, 2, 1).pixels]).toEqual([6, 10]);
  expect([...resized(image, 3, 2).pixels]).toEqual([1, 3, 6, 11, 13, 16]);
  expect(resized(image, 8, 4).pixels).toHaveLength(32);
});

describe('a folder', () => {
  const red = png({ width: 2, type: 2, rows: [[255, 0, 0, 255, 0, 0]] });
  const grey = png({ width: 2, type: 0, rows: [[9, 10]] });
  it('is in colour when one image is, unless the model says otherwise', async () => {
    const path = await put('mixed', { 'a/1.png': grey, 'b/1.png': red });
    const colour = await collect(await streamImages(path, {}));
    expect(colour).toMatchObject({ shape: [1, 2, 3], labels: Uint8Array.of(0, 1), classes: 2 });
    expect([...colour.inputs]).toEqual([9, 9, 9, 10, 10, 10, 255, 0, 0, 255, 0, 0]);
    const plain = await collect(await streamImages(path, { shape: [1, 2, 1] }));
    expect([...plain.inputs]).toEqual([9, 10, 76, 76]);
  });

  it('may mix PNG and JPEG', async () => {
    const photo = await jpeg(2, 1, () => [200, 200, 200], { grey: true });
    const path = await put('photos', { 'a/1.png': grey, 'b/1.jpg': photo, 'b/2.JPEG': photo });
    const set = await collect(await streamImages(path, {}));
    expect(set).toMatchObject({ shape: [1, 2, 1], labels: Uint8Array.of(0, 1, 1) });
    expect([...set.inputs]).toEqual([9, 10, 200, 200, 200, 200]);
    await put('photos', { 'b/3.jpg': photo.subarray(0, photo.length - 1) });
    await expect(streamImages(path, {}).then(collect)).rejects.toThrow(/b\/3\.jpg: .*cut off/);
  });

  it('of other sizes names the file, or is scaled', async () => {
    const path = await put('sizes', {
      'a/1.png': grey,
      'b/wide.png': png({ width: 3, type: 0, rows: [[0, 0, 9]] }),
    });
    await expect(streamImages(path, {}).then(collect)).rejects.toThrow(/b\/wide\.png: .*another size/);
    const size = { width: 1, height: 1 };
    expect([...(await collect(await streamImages(path, { size }))).inputs]).toEqual([10, 3]);
  });
});
