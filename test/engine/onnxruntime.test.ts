/** Exported ONNX files run elsewhere: onnxruntime gives our logits within what 12 bits allow, and each file comes back as the document it was. */
import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createEngine,
  type Engine,
  exportOnnx,
  importOnnx,
  type Model,
  parseModel,
} from '../../engine/index.ts';
import { initialState } from '../../engine/state/state.ts';
import { conv, createNoise, dense, flatten, pool, relu } from './support.ts';

// A shared machine compiles the runtime's 13 MB of WebAssembly in a minute at worst.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const batchNorm = { class_name: 'BatchNormalization', config: { epsilonShift: 10 } };
const named = (name: string, layer: object, ...from: string[]) => ({
  ...layer,
  name,
  ...(from.length > 0 && { from }),
});
const add = (name: string, ...from: string[]) => named(name, { class_name: 'Add' }, ...from);

/** One residual block of a transformer over 12 channels in 3 heads. */
const block = (n: number, from: string) => [
  named(`n${n}`, { class_name: 'LayerNormalization' }, from),
  dense(36, 'linear'),
  { class_name: 'Attention', config: { num_heads: 3, causal: true } },
  named(`a${n}`, dense(12, 'linear')),
  add(`s${n}`, `a${n}`, from),
  { class_name: 'LayerNormalization' },
  dense(24, 'linear'),
  { class_name: 'GELU' },
  named(`f${n}`, dense(12, 'linear')),
  add(`e${n}`, `f${n}`, `s${n}`),
];
const documents = {
  mlp: { input: [30], layers: [dense(20, 'relu'), dense(12, 'relu', false), dense(5, 'softmax')] },
  cnn: {
    input: [12, 10, 1],
    layers: [
      conv(4, [3, 3], 'same', 'relu'),
      pool(2, 2),
      conv(6, [3, 3], 'valid', 'relu', [2, 1]),
      { class_name: 'Dropout', config: { rateQ8: 64 } },
      flatten,
      dense(5, 'softmax'),
    ],
  },
  resnet: {
    input: [9, 9, 3],
    layers: [
      conv(8, [3, 3], 'same', 'linear', [1, 1], false),
      named('in', batchNorm),
      relu,
      conv(8, [3, 3], 'same', 'linear', [1, 1], false),
      batchNorm,
      relu,
      conv(8, [3, 3], 'same', 'linear', [1, 1], false),
      named('out', batchNorm),
      add('sum', 'out', 'in'),
      relu,
      { class_name: 'LayerNormalization' },
      { class_name: 'AveragePooling2D', config: { pool_size: [2, 2] } },
      { class_name: 'GlobalAveragePooling2D' },
      { class_name: 'GELU' },
      dense(5, 'softmax'),
    ],
  },
  chargpt: {
    input: [16],
    layers: [
      { class_name: 'Embedding', config: { input_dim: 128, output_dim: 12 } },
      named('x', { class_name: 'PositionEmbedding' }),
      ...block(1, 'x'),
      ...block(2, 'e1'),
      { class_name: 'LayerNormalization' },
      dense(128, 'softmax'),
    ],
  },
  regression: { input: [6], layers: [dense(7, 'relu'), dense(2, 'linear')] },
} as const;

const modelOf = (of: { input: readonly number[]; layers: readonly object[] }): Model =>
  parseModel({ format: 'fedai-model/1', numeric: 'bfp12@1', ...of });

/** As drawn, then moved: biases, scales and statistics are not left at 0 and 1. */
function weightsOf(model: Model): Int32Array[] {
  const noise = createNoise(7);
  const { weights } = initialState(model, Uint8Array.of(3));
  return model.tensors.map(({ name }, t) => {
    const isTable = /embeddings$/.test(name);
    // Values that f32 holds exactly.
    return weights[t]!.map((value) => Math.fround(isTable ? 16 * value : value + (noise() >> 9)));
  });
}

const COUNT = 3;
let engine: Engine;
beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  engine = await createEngine({ kernel: 'reference' });
});

async function runElsewhere(model: Model, file: Uint8Array, bytes: Uint8Array): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(file);
  const dims = [COUNT, ...model.document.input];
  const isText = model.layers[0]!.kind === 'embedding';
  const input = isText
    ? new ort.Tensor('int64', BigInt64Array.from(bytes, BigInt), dims)
    : new ort.Tensor(
        'float32',
        Float32Array.from(bytes, (byte) => byte / 256),
        dims,
      );
  const { logits } = await session.run({ input });
  const all = logits!.data as Float32Array;
  await session.release();
  // Of a sequence, the prediction is that of the last position.
  const perSample = model.positions * model.classes;
  return Float32Array.from({ length: COUNT * model.classes }, (_, i) => {
    const [sample, unit] = [Math.floor(i / model.classes), i % model.classes];
    return all[sample * perSample + perSample - model.classes + unit]!;
  });
}

describe.each(Object.entries(documents))('%s', (_, document) => {
  const model = modelOf(document);
  const weights = weightsOf(model);

  it('gives the same logits in onnxruntime', async () => {
    const noise = createNoise(11);
    const inputs = Uint8Array.from({ length: COUNT * model.inputSize }, () => noise() & 127);
    const ours = Array.from(engine.predict(model, weights, inputs, COUNT).logitsQ16, (q) => q / 65_536);
    const theirs = await runElsewhere(model, exportOnnx(model, weights), inputs);
    const scale = Math.max(...ours.map(Math.abs));
    for (const [i, logit] of ours.entries()) expect(Math.abs(theirs[i]! - logit)).toBeLessThan(0.01 * scale);
    expect(scale).toBeGreaterThan(0.01);
  });

  it('comes back as the same document and weights, and without our mark as the same function', () => {
    const file = exportOnnx(model, weights);
    const back = importOnnx(file);
    expect(back.model.document).toEqual(model.document);
    expect(back.weights).toEqual(weights);
    const foreign = importOnnx(
      Uint8Array.from(Buffer.from(file).map((byte, i, all) => (i === all.lastIndexOf(0x66) ? 0x67 : byte))),
    );
    expect(foreign.weights).toEqual(weights);
    if (model.head === 'linear') return;
    const inputs = Uint8Array.from({ length: model.inputSize }, (_, i) => (i * 37) & 127);
    expect(engine.predict(foreign.model, weights, inputs, 1)).toEqual(
      engine.predict(model, weights, inputs, 1),
    );
  });
});
