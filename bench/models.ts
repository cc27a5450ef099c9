/** The models and recipes that the engine's benches train: a network of dense layers, the demo's convolutions, a residual network, a transformer. */
import type { ModelDocument, TrainingRecipe } from '../engine/index.ts';
import { demoModel, demoRecipe } from '../job/index.ts';

type Layer = ModelDocument['layers'][number];
export type BenchDocument = Omit<ModelDocument, 'numeric'>;

export interface BenchModel {
  readonly document: BenchDocument;
  readonly recipe: TrainingRecipe;
}

const BATCH = 64;
/** A sequence is as much work as many images. */
const SEQUENCES = 16;
const LENGTH = 64;
const CHANNELS = 64;
const HEADS = 4;
const BLOCKS = 2;
/** ASCII. */
export const VOCABULARY = 128;

const dense = (units: number, activation: 'relu' | 'linear' | 'softmax', name?: string): Layer => ({
  class_name: 'Dense',
  ...(name === undefined ? {} : { name }),
  config: { units, activation, use_bias: true },
});

const conv = (filters: number, size: number, stride: number, name?: string, from?: string): Layer => ({
  class_name: 'Conv2D',
  ...(name === undefined ? {} : { name }),
  ...(from === undefined ? {} : { from: [from] }),
  config: {
    filters,
    kernel_size: [size, size],
    strides: [stride, stride],
    padding: 'same',
    activation: 'linear',
    use_bias: false,
  },
});

/** Two convolutions beside a shortcut, which is a convolution where the shape changes. */
function residualBlock(index: number, filters: number, stride: number): Layer[] {
  const [before, after] = [`block${index}`, `block${index + 1}`];
  const projected = stride > 1;
  return [
    { ...conv(filters, 3, stride), from: [before] },
    { class_name: 'BatchNormalization' },
    { class_name: 'ReLU' },
    conv(filters, 3, 1),
    { class_name: 'BatchNormalization', name: `normed${index}` },
    ...(projected ? [conv(filters, 1, stride, `shortcut${index}`, before)] : []),
    { class_name: 'Add', from: [`normed${index}`, projected ? `shortcut${index}` : before] },
    { class_name: 'ReLU', name: after },
  ];
}

const resnet: BenchDocument = {
  format: 'fedai-model/1',
  input: [32, 32, 3],
  layers: [
    conv(16, 3, 1),
    { class_name: 'BatchNormalization' },
    { class_name: 'ReLU', name: 'block0' },
    ...residualBlock(0, 16, 1),
    ...residualBlock(1, 32, 2),
    ...residualBlock(2, 64, 2),
    { class_name: 'GlobalAveragePooling2D' },
    dense(10, 'softmax'),
  ],
};

function transformerBlock(index: number): Layer[] {
  const [before, middle, after] = [`block${index}`, `middle${index}`, `block${index + 1}`];
  return [
    { class_name: 'LayerNormalization', from: [before] },
    dense(3 * CHANNELS, 'linear'),
    { class_name: 'Attention', config: { num_heads: HEADS, causal: true } },
    dense(CHANNELS, 'linear', `mixed${index}`),
    { class_name: 'Add', name: middle, from: [before, `mixed${index}`] },
    { class_name: 'LayerNormalization' },
    dense(4 * CHANNELS, 'linear'),
    { class_name: 'GELU' },
    dense(CHANNELS, 'linear', `fed${index}`),
    { class_name: 'Add', name: after, from: [middle, `fed${index}`] },
  ];
}

const chargpt: BenchDocument = {
  format: 'fedai-model/1',
  input: [LENGTH],
  layers: [
    { class_name: 'Embedding', config: { input_dim: VOCABULARY, output_dim: CHANNELS } },
    { class_name: 'PositionEmbedding', name: 'block0' },
    ...Array.from({ length: BLOCKS }, (_, index) => transformerBlock(index)).flat(),
    { class_name: 'LayerNormalization' },
    dense(VOCABULARY, 'softmax'),
  ],
};

/** 2^24 / 1000 is a learning rate of 0.001. */
const transformerRecipe: TrainingRecipe = {
  loss: 'sparse_categorical_crossentropy',
  optimizer: {
    class_name: 'AdamW',
    config: {
      beta1Shift: 3,
      beta2Shift: 7,
      epsilonQ34: 171,
      weightDecayQ24: 167_772,
      schedule: { peakQ24: 33_554, warmupSteps: 50, decay: 'cosine', decaySteps: 1000, floorQ24: 3_355 },
    },
  },
  clipNormQ16: 65_536,
  batchSize: SEQUENCES,
};

const images = (document: BenchDocument): BenchModel => ({
  document,
  recipe: { ...demoRecipe, batchSize: BATCH },
});

export const BENCH_MODELS: Readonly<Record<'mlp' | 'cnn' | 'resnet' | 'chargpt', BenchModel>> = {
  mlp: images({
    format: 'fedai-model/1',
    input: [784],
    layers: [dense(256, 'relu'), dense(10, 'softmax')],
  }),
  cnn: images(demoModel),
  resnet: images(resnet),
  chargpt: { document: chargpt, recipe: transformerRecipe },
};
