/** The graphics device in a real browser: admitted there, and step after step the bits of the reference in this process. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type ModelDocument, parseModel, parseRecipe } from '../../engine/index.ts';
import { conv, createNoise, dense, flatten, pool, sgd, sizedBatch } from '../engine/support.ts';
import { findChromium, launch } from './chromium.ts';

const executable = findChromium();
if (executable === undefined)
  process.stderr.write(
    'webgpu in a browser is skipped: no Chromium here; install one or name it in FEDAI_CHROMIUM\n',
  );

const STEPS = 10;
const document: ModelDocument = {
  format: 'fedai-model/1',
  numeric: 'bfp12@1',
  input: [6, 6],
  layers: [conv(4, [3, 3], 'same', 'relu'), pool(2, 2), flatten, dense(8, 'relu'), dense(4, 'softmax')],
};
const recipe = sgd({ shifts: [9] });

/** What the page runs: the engine's own modules, bundled. */
const PAGE = `
import { openDeviceKernel, parseModel, parseRecipe, createEngine } from './engine/index.ts';
import { createNoise, sizedBatch } from './test/engine/support.ts';
globalThis.trainHere = async (document, recipeDocument, steps) => {
  const model = parseModel(document);
  const recipe = parseRecipe(recipeDocument, model);
  const kernel = await openDeviceKernel().catch((error) => ({ refused: error.code + ': ' + error.message }));
  if ('refused' in kernel) return kernel;
  const engine = await createEngine({ kernel: 'reference' });
  const trainer = kernel.trainer(model, recipe, engine.initialState(model, Uint8Array.of(7)));
  const noise = createNoise(17);
  const losses = await Promise.all(Array.from({ length: steps }, () => trainer.step(sizedBatch(model, 4, noise))));
  const { weights } = await trainer.export();
  return { adapter: kernel.adapter, losses, weights: weights.map((tensor) => Array.from(tensor)) };
};`;

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: `${import.meta.dirname}/../..`, loader: 'ts' },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

describe.skipIf(executable === undefined)('the graphics device in a browser', () => {
  let server: Server;
  let url: string;

  beforeAll(async () => {
    const script = await bundle();
    // Only pages of a secure context have WebGPU; this machine's own are.
    server = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => new Promise((resolve) => server?.close(resolve)));

  test('is admitted and trains to the bits of the reference', async ({ skip }) => {
    const browser = await launch(executable!, [
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--enable-features=Vulkan',
    ]);
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await page.waitForFunction(() => 'trainHere' in globalThis);
      const result = await page.evaluate(
        ([model, how, steps]) =>
          (globalThis as unknown as { trainHere(...given: unknown[]): Promise<unknown> }).trainHere(
            model,
            how,
            steps,
          ),
        [document, recipe, STEPS] as const,
      );
      const told = result as { refused?: string; losses: number[]; weights: number[][] };
      if (told.refused?.startsWith('NO_DEVICE')) {
        process.stderr.write(`webgpu in a browser is skipped: ${told.refused}\n`);
        skip();
      }
      const model = parseModel(document);
      const engine = await createEngine({ kernel: 'reference' });
      const start = engine.initialState(model, Uint8Array.of(7));
      const trainer = engine.trainer(model, parseRecipe(recipe, model), start);
      const noise = createNoise(17);
      const losses = Array.from({ length: STEPS }, () => trainer.step(sizedBatch(model, 4, noise)));
      expect(told.refused).toBeUndefined();
      expect(told.losses).toEqual(losses);
      expect(told.weights).toEqual(trainer.export().weights.map((tensor) => Array.from(tensor)));
    } finally {
      await browser.close();
    }
  }, 600_000);
});
