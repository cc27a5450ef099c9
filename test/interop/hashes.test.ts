/** The same hashes after a thousand steps, whatever runs them: kernels, threads, other versions of Node, a browser. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, launch } from '../browser/chromium.ts';
import { vulkanEnvironment } from '../support/vulkan.ts';
import { thousandSteps } from './thousandSteps.ts';

const LEAST_MAJOR = 20;

interface Node {
  readonly path: string;
  readonly version: string;
}

/** Every Node on the path of another version than this one, and those that FEDAI_NODES names. */
function otherNodes(): Node[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/bin', '/usr/bin'];
  const paths = [
    ...(process.env.FEDAI_NODES ?? '').split(delimiter),
    ...folders.map((folder) => join(folder, 'node')),
  ];
  const found = new Map<string, Node>();
  for (const path of new Set(paths.filter((one) => one !== '' && existsSync(one)))) {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim();
    if (version !== process.version && Number.parseInt(version.slice(1), 10) >= LEAST_MAJOR)
      found.set(version, { path, version });
  }
  return [...found.values()];
}

let folder: string;
let expected: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-hashes-'));
  expected = await thousandSteps('reference');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const bundle = async (contents: string, platform: 'node' | 'browser'): Promise<string> => {
  const result = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    ...{ bundle: true, write: false, format: 'esm', platform, external: ['node:*'], logLevel: 'silent' },
  });
  return result.outputFiles[0]!.text;
};

test('three runs end in three states', () => {
  expect(new Set(Object.values(expected)).size).toBe(3);
});

test.each([1, 2])('the WebAssembly kernel with %i threads', async (threads) => {
  expect(await thousandSteps('wasm', threads)).toEqual(expected);
});

const nodes = otherNodes();
if (nodes.length === 0) process.stderr.write('hashes: no other Node is on the path, nor in FEDAI_NODES\n');

describe.skipIf(nodes.length === 0)('other versions of Node', () => {
  test.each(nodes)('$version', async ({ path }) => {
    const file = join(folder, 'steps.mjs');
    const script = `import { thousandSteps } from './thousandSteps.ts';
      console.log(JSON.stringify([await thousandSteps('reference'), await thousandSteps('wasm')]));`;
    await writeFile(file, await bundle(script, 'node'));
    const found = JSON.parse(execFileSync(path, [file], { encoding: 'utf8' }));
    expect(found).toEqual([expected, expected]);
  });
});

const vulkan = vulkanEnvironment();
if (!vulkan) process.stderr.write('hashes: no Vulkan driver is found here, so no WebGPU\n');

test.skipIf(!vulkan)(
  'WebGPU, in software where there is no graphics device',
  async () => {
    const steps = new URL('./thousandSteps.ts', import.meta.url).href;
    const script = `import { thousandSteps } from ${JSON.stringify(steps)};
    console.log(JSON.stringify(await thousandSteps('webgpu')));
    process.exit(0);`;
    const file = join(folder, 'device.mjs');
    await writeFile(file, script);
    const told = execFileSync(process.execPath, ['--no-warnings', file], { encoding: 'utf8', env: vulkan! });
    expect(JSON.parse(told)).toEqual(expected);
  },
  900_000,
);

const chromium = findChromium();
if (chromium === undefined)
  process.stderr.write('hashes: no Chromium is installed, nor named by FEDAI_CHROMIUM\n');

describe.skipIf(chromium === undefined)('headless Chromium', () => {
  test.each(['reference', 'wasm'] as const)('%s', async (kernel) => {
    const browser = await launch(chromium!);
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(300_000);
      const script = `import { thousandSteps } from './thousandSteps.ts'; Object.assign(globalThis, { thousandSteps });`;
      await page.addScriptTag({ type: 'module', content: await bundle(script, 'browser') });
      await page.waitForFunction('typeof thousandSteps === "function"');
      expect(await page.evaluate(`thousandSteps('${kernel}')`)).toEqual(expected);
    } finally {
      await browser.close();
    }
  });
});
