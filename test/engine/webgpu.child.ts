/** Run by webgpu.test.ts in a process of its own, whose environment names the Vulkan driver: compares the device with the other kernels. */
import {
  createEngine,
  type Engine,
  type Model,
  parseModel,
  parseRecipe,
  stateRoots,
  type TrainState,
} from '../../engine/index.ts';
import { conv, createNoise, dense, flatten, pool, sgd, sizedBatch } from './support.ts';

const STEPS = Number(process.argv[2]);

const documentOf = (numeric: 'bfp12@1' | 'bfp8@1') => ({
  format: 'fedai-model/1' as const,
  numeric,
  input: [6, 6],
  layers: [conv(4, [3, 3], 'same', 'relu'), pool(2, 2), flatten, dense(8, 'relu'), dense(4, 'softmax')],
});

/** Of no steps, the parent wants to know only why there is no device. */
if (STEPS === 0) {
  const error = await createEngine({ kernel: 'webgpu' }).catch((cause: unknown) => cause);
  const { code, remedy } = error as { code?: string; remedy?: string };
  process.stdout.write(JSON.stringify({ code, remedy }));
  process.exit();
}

const rootOf = (model: Model, state: TrainState): string =>
  Buffer.from(stateRoots(model, state).stateRoot).toString('hex');

const engines: Engine[] = await Promise.all(
  (['reference', 'wasm', 'webgpu'] as const).map((kernel) => createEngine({ kernel })),
);
const device = engines[2]!;

function hashesOf(model: Model): { kernel: string; hash: string }[] {
  const recipe = parseRecipe(sgd({ shifts: [9, 11], boundaries: [STEPS >> 1] }), model);
  return engines.map((engine) => {
    const noise = createNoise(17);
    const trainer = engine.trainer(model, recipe, engine.initialState(model, Uint8Array.of(7)));
    let losses = 0;
    for (let step = 0; step < STEPS; step++) losses += trainer.step(sizedBatch(model, 4, noise));
    const state = trainer.export();
    const { classes, logitsQ16 } = engine.predict(
      model,
      state.weights,
      sizedBatch(model, 5, noise).inputs,
      5,
    );
    trainer.close?.();
    const outputs = `${losses} ${classes.join()} ${logitsQ16.join()}`;
    return {
      kernel: engine.kernel,
      hash: `${rootOf(model, state)} ${outputs}`,
    };
  });
}

/** What a device does not cover is done by another kernel of the same engine. */
function uncovered(): boolean {
  const model = parseModel({
    ...documentOf('bfp12@1'),
    layers: [flatten, dense(4, 'relu'), { class_name: 'GELU' }, dense(4, 'softmax')],
  });
  const recipe = parseRecipe(sgd({}), model);
  const batch = sizedBatch(model, 4, createNoise(3));
  const start = device.initialState(model, Uint8Array.of(1));
  const [a, b] = [device, engines[0]!].map((engine) => engine.step(model, recipe, start, batch));
  return rootOf(model, a!.state) === rootOf(model, b!.state);
}

/** The state of before, after a bad batch and after going on from a copy. */
function survives(): boolean {
  const model = parseModel(documentOf('bfp12@1'));
  const recipe = parseRecipe(sgd({}), model);
  const start = device.initialState(model, Uint8Array.of(2));
  const trainer = device.trainer(model, recipe, start);
  const batch = sizedBatch(model, 4, createNoise(5));
  const codes: unknown[] = [];
  try {
    trainer.step({ ...batch, labels: Uint8Array.of(0, 1, 2, 9) });
  } catch (error) {
    codes.push((error as { code?: unknown }).code);
  }
  const first = trainer.step(batch);
  trainer.load(start);
  return codes[0] === 'BAD_BATCH' && trainer.step(batch) === first && trainer.export().counter === 1;
}

const result = {
  adapter: device.adapter,
  fallbackReason: device.fallbackReason,
  hashes: (['bfp12@1', 'bfp8@1'] as const).map((numeric) => hashesOf(parseModel(documentOf(numeric)))),
  uncovered: uncovered(),
  survives: survives(),
  globals: ['GPUBufferUsage', 'GPUDevice'].filter((name) => name in globalThis),
};
process.stdout.write(JSON.stringify(result));
