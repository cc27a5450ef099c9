/** `fedai train` on what the exact engine does not cover, and what `job post` says of it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readJobDraft } from '../../cli/jobFile.ts';
import { parseTrainDocument } from '../../cli/train/document.ts';
import { type Report, trainRun } from '../../cli/train/index.ts';
import { adamRecipe, lstmModel, VOCABULARY } from '../support/lstm.ts';
import { fedai } from './run.ts';

const job = JSON.parse(await readFile('docs/examples/demo-job.json', 'utf8'));

const document = { format: 'fedai-train/1', model: 'lstm.json', recipe: adamRecipe, epochs: 10 };
const dense = {
  class_name: 'Sequential',
  config: {
    layers: [
      { class_name: 'Flatten', config: { batch_input_shape: [null, 28, 28, 1] } },
      { class_name: 'Dense', config: { units: 10, activation: 'softmax' } },
    ],
  },
};

/** Three processes one after the other, on machines that are busy. */
vi.setConfig({ testTimeout: 180_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-tfjs-'));
  const text = Uint8Array.from({ length: 200 }, (_, i) => i % VOCABULARY);
  await writeFile(join(folder, 'text'), text);
  await writeFile(join(folder, 'lstm.json'), JSON.stringify(lstmModel));
  await writeFile(join(folder, 'train.json'), JSON.stringify(document));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const train = (out: string, more: string[] = [], killAt?: string) => {
  const data = ['--data', `text:${join(folder, 'text')}`, '--out', join(folder, out)];
  const args = ['train', join(folder, 'train.json'), ...data, '--backend', 'wasm', '--json', ...more];
  return fedai(args, {}, killAt);
};

describe('fedai train with TensorFlow.js', () => {
  it('learns, and goes on after kill -9 with the same curve', async () => {
    const whole = await train('whole');
    expect(whole.stderr).toContain('does not cover layers.1: layer LSTM is not supported');
    expect(whole.stderr).toMatch(/on wasm, quality-attested/);
    expect(whole.code).toBe(0);
    const [started] = whole.events;
    expect(started).toMatchObject({
      event: 'training',
      engine: 'tfjs',
      backend: 'wasm',
      attested: 'quality',
    });
    const end = whole.events.at(-1) as { loss: number; hash: string };
    expect(end).toMatchObject({ event: 'model', attested: 'quality' });
    expect(end.loss).toBeLessThan((whole.events[1] as { loss: number }).loss * 0.8);

    await train('killed', [], '"epoch":3,');
    const resumed = await train('killed', ['--resume']);
    expect((resumed.events[0] as { from: number }).from).toBeGreaterThan(0);
    expect(resumed.events.at(-1)).toMatchObject({ hash: end.hash });
    const curves = ['whole', 'killed'].map((name) => readFile(join(folder, name, 'curve.jsonl'), 'utf8'));
    const [own, other] = await Promise.all(curves);
    expect(other).toBe(own);

    const model = JSON.parse(await readFile(join(folder, 'whole', 'model.json'), 'utf8'));
    expect(model).toMatchObject({
      format: 'layers-model',
      userDefinedMetadata: { attested: 'quality', engine: 'tfjs', backend: 'wasm' },
    });
    const file = await readFile(join(folder, 'whole', 'model.f32.safetensors'));
    expect(file.toString('latin1')).toContain('"attested":"quality"');
  });

  it('says what to install where a backend is missing', async () => {
    const told: string[] = [];
    const report: Report = {
      notExact: (gaps) => told.push(...gaps),
      started: () => told.push('started'),
      deviceLost: () => undefined,
      point: () => undefined,
      finished: () => undefined,
    };
    const options = {
      document: join(folder, 'train.json'),
      data: `text:${join(folder, 'text')}`,
      out: join(folder, 'none'),
      seed: 0,
      engine: 'auto',
      kernel: 'auto',
      backend: 'tensorflow',
      threads: 1,
      checkpointSeconds: 9,
    } as const;
    const signal = new AbortController().signal;
    const error = await trainRun(options, report, signal).catch((thrown: unknown) => thrown);
    expect(told[0]).toMatch(/LSTM/);
    // Where somebody has installed it, it trains.
    if (told.includes('started')) return;
    expect(error).toMatchObject({
      code: 'NO_TFJS',
      message: expect.stringMatching(/layer LSTM is not supported.*tfjs-node is not installed/),
      remedy: expect.stringContaining('npm install'),
    });
  });
});

describe('which engine a document gets', () => {
  const parse = (model: unknown, recipe: unknown, wanted?: 'exact' | 'tfjs') =>
    parseTrainDocument({ format: 'fedai-train/1', model, recipe }, folder, wanted);
  const exact = job.recipe;

  it('is the exact one where it covers model and recipe', async () => {
    expect(await parse(dense, exact)).toMatchObject({ engine: 'exact' });
    expect(await parse(dense, exact, 'tfjs')).toMatchObject({ engine: 'tfjs', gaps: [] });
    expect(await parse(dense, adamRecipe)).toMatchObject({ engine: 'tfjs', gaps: [/^recipe/] });
    expect(await parse(lstmModel, exact)).toMatchObject({ engine: 'tfjs' });
  });

  it('is none where a document is wrong, or another one was asked for', async () => {
    await expect(parse(lstmModel, adamRecipe, 'exact')).rejects.toMatchObject({ code: 'UNSUPPORTED_KERAS' });
    await expect(parse(dense, { ...exact, batchSize: 3 })).rejects.toMatchObject({ code: 'BAD_RECIPE' });
    await expect(parse(job.model, exact, 'tfjs')).rejects.toMatchObject({ code: 'UNSUPPORTED_TFJS' });
  });

  it('is on the network the exact one alone', async () => {
    const path = join(folder, 'job.json');
    const draft = async (fields: object) => {
      await writeFile(path, JSON.stringify({ ...job, ...fields }));
      return readJobDraft(path);
    };
    await expect(draft({ model: lstmModel })).rejects.toMatchObject({
      code: 'UNSUPPORTED_ON_NETWORK',
      message: expect.stringMatching(/^quality-attested jobs are not taken .*layer LSTM/),
      remedy: expect.stringContaining('fedai train'),
    });
    await expect(draft({ model: dense, recipe: adamRecipe })).rejects.toThrow(/recipe/);
    expect((await draft({ model: dense })).document.model).toMatchObject({ format: 'fedai-model/1' });
  });
});
