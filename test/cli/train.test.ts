import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uintBytes } from '../../core/index.ts';
import { decodeModel } from '../../engine/index.ts';
import { fedai } from './run.ts';

const dense = (units: number, activation: string) => ({
  class_name: 'Dense',
  config: { units, activation, use_bias: true },
});
const document = {
  format: 'fedai-train/1',
  model: {
    format: 'fedai-model/1',
    numeric: 'bfp12@1',
    input: [4, 4],
    layers: [{ class_name: 'Flatten' }, dense(8, 'relu'), dense(2, 'softmax')],
  },
  recipe: {
    loss: 'sparse_categorical_crossentropy',
    optimizer: {
      class_name: 'SGD',
      config: { momentumShift: 3, learningRateShifts: [5], boundaries: [] },
    },
    batchSize: 8,
  },
  epochs: 100,
};
let folder: string;

/** Two classes: bright above, bright below. */
async function writeIdx(name: string, count: number): Promise<void> {
  const labels = Uint8Array.from({ length: count }, (_, i) => (i * 7) % 2);
  const images = Uint8Array.from({ length: 16 * count }, (_, i) => {
    const upper = i % 16 < 8;
    return upper === (labels[Math.floor(i / 16)] === 0) ? 200 + (i % 50) : i % 40;
  });
  const sizes = [0x0803, count, 4, 4].map((value) => uintBytes(value, 4));
  await writeFile(join(folder, `${name}-images-idx3-ubyte`), Buffer.concat([...sizes, images]));
  const head = [0x0801, count].map((value) => uintBytes(value, 4));
  await writeFile(join(folder, `${name}-labels-idx1-ubyte`), Buffer.concat([...head, labels]));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-train-'));
  await writeIdx('train', 40);
  await writeIdx('test', 10);
  await writeFile(join(folder, 'model.json'), JSON.stringify(document));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const train = (out: string, more: string[] = [], killAt?: string) =>
  fedai(
    [
      'train',
      join(folder, 'model.json'),
      '--data',
      `idx:${folder}`,
      '--out',
      join(folder, out),
      '--json',
      ...more,
    ],
    {},
    killAt,
  );

describe('fedai train', () => {
  it('ends in the same bits after kill -9 and --resume', async () => {
    const whole = await train('whole');
    expect(whole.stderr).toContain('steps 0 to 500');
    expect(whole.code).toBe(0);
    expect(whole.events.at(-1)).toMatchObject({ event: 'model', step: 500, accuracy: 1 });
    const killed = await train('killed', [], '"epoch":3,');
    expect(killed.code).not.toBe(0);
    const again = await train('killed');
    expect(again).toMatchObject({ code: 2 });
    expect(again.events[0]).toMatchObject({ code: 'EXISTS', remedy: expect.stringContaining('--resume') });
    const resumed = await train('killed', ['--resume']);
    expect((resumed.events[0] as { from: number }).from).toBeGreaterThan(0);
    expect(resumed.events.at(-1)).toMatchObject({ hash: whole.events.at(-1)!.hash });
    const curves = ['whole', 'killed'].map((name) => readFile(join(folder, name, 'curve.jsonl'), 'utf8'));
    const [a, b] = (await Promise.all(curves)).map((text) => text.trim().split('\n').length);
    expect(b).toBe(a);
    expect(await readFile(join(folder, 'whole', 'curve.svg'), 'utf8')).toMatch(
      /^<svg .*loss.*accuracy.*<\/svg>\n$/,
    );
    const file = Uint8Array.from(await readFile(join(folder, 'whole', 'model.safetensors')));
    expect(decodeModel(file).model.parameters).toBe(16 * 8 + 8 + 8 * 2 + 2);
  });

  it('refuses to resume another run, a broken document, and data of another shape', async () => {
    expect((await train('whole', ['--resume', '--seed', '9'])).events[0]).toMatchObject({
      code: 'WRONG_RUN',
    });
    await writeFile(join(folder, 'bad.json'), JSON.stringify({ ...document, epoch: 3 }));
    const bad = await fedai(['train', join(folder, 'bad.json'), '--data', `idx:${folder}`, '--json']);
    expect(bad).toMatchObject({ code: 2 });
    expect(bad.events[0]).toMatchObject({ code: 'BAD_DOCUMENT' });
    const misfit = await fedai(['train', 'docs/examples/demo-job.json', '--data', `idx:${folder}`, '--json']);
    expect(misfit).toMatchObject({ code: 2 });
    expect(misfit.events[0]).toMatchObject({ code: 'DATA_MISMATCH' });
  });
});
