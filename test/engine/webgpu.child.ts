/** Run by webgpu.test.ts in a process of its own, whose environment names the Vulkan driver: compares the device with the other kernels. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { FedaiError } from '../../core/index.ts';
import {
  createEngine,
  type Engine,
  type Model,
  type ModelDocument,
  momentsOf,
  parseModel,
  parseRecipe,
  stateRoots,
  type TrainingRecipe,
  type TrainState,
} from '../../engine/index.ts';
import { anyDocument, OPTIMIZERS, stateOf } from './graphs.support.ts';
import { conv, createNoise, dense, flatten, pool, sgd, sizedBatch } from './support.ts';

const STEPS = Number(process.argv[2]);
/** Random graphs, and the first of their seeds. */
const GRAPHS = Number(process.argv[3]);
const SEED = Number(process.argv[4]);

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

/** The engine hides the loss of its device; here it would hide a fault. */
const lost: string[] = [];
const onDeviceLost = ({ message }: FedaiError): void => void lost.push(message);
const engines: Engine[] = await Promise.all(
  (['reference', 'wasm', 'webgpu'] as const).map((kernel) => createEngine({ kernel, onDeviceLost })),
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

/** Convolutions in groups, which the generator of graphs leaves out: those that take what the layer before them gives. */
function inGroups(document: Omit<ModelDocument, 'format' | 'numeric'>, noise: () => number) {
  const layers = document.layers.map((one): ModelDocument['layers'][number] =>
    one.class_name === 'Conv2D' && one.name === undefined && noise() & 1
      ? { ...one, config: { ...one.config, groups: one.config.filters } }
      : one,
  );
  return { ...document, layers };
}

function recipeOf(model: Model, noise: () => number): TrainingRecipe {
  const pick = <T>(...all: readonly T[]): T => all[(noise() >>> 0) % all.length]!;
  const clipNormQ16 = pick(undefined, 1, 3000, 90_000);
  const loss = 'sparse_categorical_crossentropy';
  const optimizer = pick(...OPTIMIZERS);
  return parseRecipe(
    { loss, optimizer, ...(clipNormQ16 && { clipNormQ16 }), batchSize: pick(1, 2, 4) },
    model,
  );
}

/** Two steps and a prediction of one random graph: what differs, or undefined. */
function differenceOf(document: Omit<ModelDocument, 'format' | 'numeric'>, seed: number): string | undefined {
  const noise = createNoise(seed);
  const numeric = noise() & 1 ? 'bfp12@1' : 'bfp8@1';
  const model = parseModel({ format: 'fedai-model/1', numeric, ...inGroups(document, noise) });
  const recipe = recipeOf(model, noise);
  const moments = momentsOf(recipe);
  const drawn = device.initialState(model, Uint8Array.of(seed & 255), moments);
  const start = stateOf(drawn, (noise() & 1) === 1, moments, noise);
  const [a, b] = [engines[0]!, device].map((engine) => engine.trainer(model, recipe, start));
  const where = (what: string): string => `${what}: ${JSON.stringify({ numeric, recipe, seed, document })}`;
  for (let step = 0; step < 2; step++) {
    const { inputs, labels } = sizedBatch(model, recipe.batchSize, noise);
    const tokens = model.positions > 1 ? inputs.map((byte) => byte % model.classes) : inputs;
    const batch = { inputs: tokens, labels };
    if (a!.step(batch) !== b!.step(batch)) return where(`loss of step ${step}`);
    const [expected, actual] = [a!.export(), b!.export()];
    if (!isDeepStrictEqual(expected, actual)) return where(`state after step ${step}`);
    const [right, ours] = [engines[0]!, device].map((engine) =>
      engine.predict(model, expected.weights, tokens, recipe.batchSize),
    );
    if (!isDeepStrictEqual(right, ours)) return where(`prediction after step ${step}`);
  }
  b!.close?.();
  return undefined;
}

/** Random graphs whose bits on the device are not the reference's. */
const differences = (): string[] =>
  fc
    .sample(anyDocument, { seed: SEED, numRuns: GRAPHS })
    .flatMap((document, i) => differenceOf(document, SEED + i) ?? []);

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
  differences: differences(),
  survives: survives(),
  lost,
  globals: ['GPUBufferUsage', 'GPUDevice'].filter((name) => name in globalThis),
};
process.stdout.write(JSON.stringify(result));
