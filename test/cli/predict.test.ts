import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImage } from '../../cli/image/index.ts';
import { uintBytes } from '../../core/index.ts';
import { createEngine, encodeModel, parseModel } from '../../engine/index.ts';
import { demoModel } from '../../job/index.ts';
import { fedai } from './run.ts';

const SHAPE = [28, 28, 1];
const pixels = Uint8Array.from({ length: 784 }, (_, i) => (i * 37) % 256);
let folder: string;

/** A PNG whose rows use all five filters, as encoders mix them; `channels` 1 (grey) or 4 (RGBA). */
function png(channels: 1 | 4): Uint8Array {
  const stride = 28 * channels;
  const plain = Uint8Array.from({ length: 28 * stride }, (_, i) =>
    channels === 4 && i % 4 === 3 ? 255 : pixels[Math.floor(i / channels)]!,
  );
  const raw = new Uint8Array(28 * (stride + 1));
  for (let y = 0; y < 28; y++) {
    const filter = y % 5;
    raw[y * (stride + 1)] = filter;
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? plain[y * stride + x - channels]! : 0;
      const up = y > 0 ? plain[(y - 1) * stride + x]! : 0;
      const corner = x >= channels && y > 0 ? plain[(y - 1) * stride + x - channels]! : 0;
      const p = left + up - corner;
      const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      const guess = [0, left, up, (left + up) >> 1, paeth][filter]!;
      raw[y * (stride + 1) + 1 + x] = plain[y * stride + x]! - guess;
    }
  }
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    return Buffer.concat([uintBytes(data.length, 4), body, uintBytes(crc32(body), 4)]);
  };
  const header = Buffer.concat([
    uintBytes(28, 4),
    uintBytes(28, 4),
    Uint8Array.of(8, channels === 1 ? 0 : 6, 0, 0, 0),
  ]);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(raw)), chunk('IEND', new Uint8Array(0))];
  return Buffer.concat([signature, ...chunks]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-predict-'));
  const model = parseModel(demoModel);
  const engine = await createEngine({ kernel: 'reference' });
  const { weights } = engine.initialState(model, new Uint8Array(32));
  await writeFile(join(folder, 'model.safetensors'), encodeModel(model, weights));
  await writeFile(join(folder, 'grey.png'), png(1));
  await writeFile(join(folder, 'colour.png'), png(4));
  await writeFile(
    join(folder, 'image.pgm'),
    Buffer.concat([Buffer.from('P5\n# made by hand\n28 28\n255\n'), pixels]),
  );
  await writeFile(join(folder, 'raw'), pixels);
  await writeFile(join(folder, 'short.pgm'), Buffer.from('P5 28 28 255 abc'));
  const header = [0x0803, 2, 28, 28].map((value) => uintBytes(value, 4));
  await writeFile(join(folder, 'images'), Buffer.concat([...header, new Uint8Array(784), pixels]));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('images', () => {
  it.each(['grey.png', 'colour.png', 'image.pgm', 'raw'])('%s gives its pixels', async (name) => {
    expect(Uint8Array.from((await readImage(join(folder, name), SHAPE)).pixels)).toEqual(pixels);
  });

  it('one of an IDX file is found by its number', async () => {
    const { pixels: second } = await readImage(`idx:${join(folder, 'images')}:1`, SHAPE);
    expect(Uint8Array.from(second)).toEqual(pixels);
  });

  it.each(['short.pgm', 'model.safetensors'])('%s is refused with what to do', async (name) => {
    await expect(readImage(join(folder, name), SHAPE)).rejects.toMatchObject({
      code: 'BAD_IMAGE',
      remedy: expect.any(String),
    });
  });

  it('of another size or number are refused', async () => {
    await expect(readImage(join(folder, 'grey.png'), [32, 32, 1])).rejects.toMatchObject({
      code: 'BAD_IMAGE',
    });
    await expect(readImage(`idx:${join(folder, 'images')}:2`, SHAPE)).rejects.toMatchObject({
      code: 'BAD_IMAGE',
    });
  });
});

describe('fedai predict', () => {
  it('gives a class and probabilities that sum to one', async () => {
    const args = ['predict', join(folder, 'model.safetensors'), join(folder, 'grey.png'), '--json'];
    const { code, events } = await fedai(args);
    expect(code).toBe(0);
    const { probabilities, class: best } = events[0] as { probabilities: number[]; class: number };
    expect(probabilities.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
    expect(probabilities[best]).toBe(Math.max(...probabilities));
  });
});
