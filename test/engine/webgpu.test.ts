/** The graphics device gives the reference's bits; and what is done where there is none, and when it goes. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FedaiError } from '../../core/index.ts';
import { type Batch, parseModel, parseRecipe } from '../../engine/index.ts';
import { referenceKernel } from '../../engine/reference/kernel.ts';
import { initialState } from '../../engine/state/state.ts';
import { withFallback } from '../../engine/webgpu/fallback.ts';
import { vulkanEnvironment } from '../support/vulkan.ts';
import { createNoise, sgd, sizedBatch, smallModels } from './support.ts';

/** A software driver compiles for seconds, and the machine may be busy. */
const LIMIT_MS = 600_000;
/** Steps of each comparison; more by hand: FEDAI_WEBGPU_STEPS=1000. */
const STEPS = process.env.FEDAI_WEBGPU_STEPS ?? '16';
/** Random graphs of two steps each; more by hand: FEDAI_WEBGPU_GRAPHS=200 FEDAI_WEBGPU_SEED=7. */
const GRAPHS = process.env.FEDAI_WEBGPU_GRAPHS ?? '6';
const SEED = process.env.FEDAI_WEBGPU_SEED ?? '1';

const CHILD = new URL('./webgpu.child.ts', import.meta.url).pathname;
const run = promisify(execFile);
const node = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  run(process.execPath, ['--no-warnings', ...args], { env, timeout: LIMIT_MS });

const environment = vulkanEnvironment();
if (!environment) process.stderr.write('webgpu: no Vulkan driver is found here; the device is not tested\n');

describe.skipIf(!environment)('webgpu kernel', () => {
  it(
    'is admitted, and gives the bits of reference and wasm step after step, of chains and random graphs',
    async () => {
      const { stdout } = await node(environment!, CHILD, STEPS, GRAPHS, SEED);
      const result = JSON.parse(stdout);
      expect(result.adapter).toEqual(expect.any(String));
      expect(result.fallbackReason).toBeUndefined();
      for (const [reference, ...others] of result.hashes) {
        expect(others.map(({ kernel }: { kernel: string }) => kernel)).toEqual(['wasm', 'webgpu']);
        for (const { hash } of others) expect(hash).toBe(reference.hash);
      }
      expect(result).toMatchObject({ differences: [], survives: true, lost: [], globals: [] });
    },
    LIMIT_MS,
  );
});

it(
  'says why there is no device, and what to do',
  async () => {
    const env = {
      ...(environment ?? process.env),
      VK_ICD_FILENAMES: '/nowhere',
      VK_DRIVER_FILES: '/nowhere',
    };
    const { stdout } = await node(env, CHILD, '0');
    expect(JSON.parse(stdout)).toMatchObject({ code: 'NO_DEVICE', remedy: expect.stringContaining('wasm') });
  },
  LIMIT_MS,
);

describe('a device that goes', () => {
  const model = parseModel(smallModels['conv-pool']);
  const recipe = parseRecipe(sgd({}), model);
  const start = initialState(model, Uint8Array.of(1));
  const noise = createNoise(3);
  const batches: Batch[] = Array.from({ length: 70 }, () => sizedBatch(model, 4, noise));

  /** The reference with the name of a device, which is lost at the given call of a step. */
  function losing(at: number) {
    let calls = 0;
    return {
      ...referenceKernel,
      trainer: (...given: Parameters<typeof referenceKernel.trainer>) => {
        const inner = referenceKernel.trainer(...given);
        return {
          ...inner,
          step(batch: Batch) {
            if (++calls >= at) throw new FedaiError('DEVICE_LOST', 'gone', {}, { transient: true });
            return inner.step(batch);
          },
        };
      },
    };
  }

  it.each([1, 30, 66])('at step %i is told once and costs no bit', (at) => {
    const told: string[] = [];
    const kernel = withFallback(losing(at), referenceKernel, ({ code }) => told.push(code));
    const [a, b] = [kernel, referenceKernel].map((one) => one.trainer(model, recipe, start));
    for (const batch of batches) expect(a!.step(batch)).toBe(b!.step(batch));
    expect(a!.export()).toEqual(b!.export());
    expect(told).toEqual(['DEVICE_LOST']);
    kernel.trainer(model, recipe, start).step(batches[0]!);
    expect(told).toHaveLength(1);
  });

  it('lets faults of the batch through', () => {
    const told: string[] = [];
    const kernel = withFallback(losing(99), referenceKernel, ({ code }) => told.push(code));
    const trainer = kernel.trainer(model, recipe, start);
    expect(() => trainer.step({ ...batches[0]!, labels: Uint8Array.of(9, 9, 9, 9) })).toThrow('not a class');
    expect(told).toEqual([]);
  });
});
