/** A thousand exact steps of small models, as hashes of the states that they end in. Runs in any Node and in a browser. */
import { sha256, toHex, utf8 } from '../../core/index.ts';
import {
  createEngine,
  type ModelDocument,
  momentsOf,
  parseModel,
  parseRecipe,
  stateRoots,
} from '../../engine/index.ts';

const STEPS = 1_000;
const BATCH = 4;

const dense = (units: number, activation: 'relu' | 'softmax' | 'linear') =>
  ({ class_name: 'Dense', config: { units, activation, use_bias: true } }) as const;
const sgd = {
  class_name: 'SGD',
  config: { momentumShift: 3, learningRateShifts: [6, 7], boundaries: [500] },
} as const;
const adamw = {
  class_name: 'AdamW',
  config: {
    beta1Shift: 3,
    beta2Shift: 8,
    epsilonQ34: 1024,
    weightDecayQ24: 1024,
    schedule: { peakQ24: 2 ** 14, warmupSteps: 50, decay: 'cosine', decaySteps: 900, floorQ24: 64 },
  },
} as const;

const image: Pick<ModelDocument, 'input' | 'layers'> = {
  input: [8, 8, 1],
  layers: [
    {
      class_name: 'Conv2D',
      config: { filters: 4, kernel_size: [3, 3], padding: 'same', activation: 'relu', use_bias: true },
    },
    { class_name: 'MaxPooling2D', config: { pool_size: [2, 2] } },
    { class_name: 'Flatten' },
    dense(12, 'relu'),
    dense(5, 'softmax'),
  ],
};
const text: Pick<ModelDocument, 'input' | 'layers'> = {
  input: [8],
  layers: [
    { class_name: 'Embedding', config: { input_dim: 32, output_dim: 4 } },
    { class_name: 'PositionEmbedding', name: 'x' },
    { class_name: 'LayerNormalization' },
    dense(12, 'linear'),
    { class_name: 'Attention', name: 'a', config: { num_heads: 2, causal: true } },
    { class_name: 'Add', from: ['a', 'x'] },
    { class_name: 'GELU' },
    dense(32, 'softmax'),
  ],
};
const RUNS = {
  'image bfp12': { ...image, numeric: 'bfp12@1', optimizer: sgd, most: 256 },
  'image bfp8': { ...image, numeric: 'bfp8@1', optimizer: sgd, most: 256 },
  'text bfp12': { ...text, numeric: 'bfp12@1', optimizer: adamw, most: 32 },
} as const;

/** Whole numbers from hashes: the same everywhere. */
function batchOf(run: string, step: number, size: number, most: number, classes: number) {
  const bytes: number[] = [];
  for (let block = 0; bytes.length < BATCH * (size + 1); block++)
    bytes.push(...sha256(utf8(`${run} ${step} ${block}`)));
  return {
    inputs: Uint8Array.from(bytes.slice(0, BATCH * size), (byte) => byte % most),
    labels: Uint8Array.from(bytes.slice(BATCH * size, BATCH * (size + 1)), (byte) => byte % classes),
  };
}

/** State roots by run. Throws where the kernel is not admitted. */
export async function thousandSteps(
  kernel: 'reference' | 'wasm' | 'webgpu',
  threads = 1,
): Promise<Record<string, string>> {
  const engine = await createEngine({ kernel, threads });
  const roots: Record<string, string> = {};
  for (const [name, { input, layers, numeric, optimizer, most }] of Object.entries(RUNS)) {
    const model = parseModel({ format: 'fedai-model/1', numeric, input, layers });
    const recipe = parseRecipe(
      { loss: 'sparse_categorical_crossentropy', optimizer, batchSize: BATCH },
      model,
    );
    const trainer = engine.trainer(
      model,
      recipe,
      engine.initialState(model, sha256(utf8(name)), momentsOf(recipe)),
    );
    for (let step = 0; step < STEPS; step++)
      trainer.step(batchOf(name, step, model.inputSize, most, model.classes));
    roots[name] = toHex(stateRoots(model, trainer.export()).stateRoot);
  }
  return roots;
}
