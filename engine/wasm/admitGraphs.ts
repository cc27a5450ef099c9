/** Admission of a fast kernel for graphs: the reference's bits on an image model and a sequence model that hold every further layer. */
import { numericFormats } from '../arithmetic/format.ts';
import { type LayerDocument, recipeSchema, type TrainingRecipe } from '../document.ts';
import type { Kernel } from '../engine.ts';
import { parseModel } from '../model.ts';
import { BATCH, compare, createNoise, type Fill } from './admit.ts';

type Layers = readonly LayerDocument[];

const image: Layers = [
  {
    class_name: 'Conv2D',
    name: 'stem',
    config: {
      filters: 9,
      kernel_size: [3, 3],
      strides: [2, 1],
      padding: 'same',
      activation: 'relu',
      use_bias: true,
    },
  },
  { class_name: 'BatchNormalization', config: { epsilonShift: 10 } },
  { class_name: 'ReLU', name: 'left' },
  { class_name: 'GELU', name: 'right', from: ['stem'] },
  { class_name: 'Add', name: 'sum', from: ['left', 'right', 'stem'] },
  { class_name: 'AveragePooling2D', config: { pool_size: [2, 2] } },
  { class_name: 'Dropout', config: { rateQ8: 64 } },
  { class_name: 'GlobalAveragePooling2D' },
  { class_name: 'Dense', config: { units: 5, activation: 'softmax', use_bias: true } },
];

const sequence: Layers = [
  { class_name: 'Embedding', config: { input_dim: 19, output_dim: 10 } },
  { class_name: 'PositionEmbedding', name: 'in' },
  { class_name: 'LayerNormalization' },
  { class_name: 'Dense', config: { units: 30, activation: 'linear', use_bias: true } },
  { class_name: 'Attention', name: 'mixed', config: { num_heads: 2, causal: true } },
  { class_name: 'Add', from: ['in', 'mixed'] },
  { class_name: 'LayerNormalization' },
  { class_name: 'GELU' },
  { class_name: 'Dense', config: { units: 19, activation: 'softmax', use_bias: true } },
];

const schedule = { peakQ24: 50_000, warmupSteps: 1, decay: 'cosine', decaySteps: 5, floorQ24: 0 };
const recipes = [
  {
    class_name: 'AdamW',
    config: { beta1Shift: 3, beta2Shift: 7, epsilonQ34: 171, weightDecayQ24: 1 << 17, schedule },
  },
  { class_name: 'SGDW', config: { momentumShift: 3, weightDecayQ24: 1 << 17, schedule } },
].map(
  (optimizer): TrainingRecipe =>
    recipeSchema.parse({
      loss: 'sparse_categorical_crossentropy',
      optimizer,
      clipNormQ16: 20_000,
      batchSize: BATCH,
    }),
);

/** As drawn, and spread over int32; second moments are never negative, and neither are these. */
const STATES: readonly (Fill | undefined)[] = [undefined, (noise) => (noise & 0x7fffffff) >>> (noise & 31)];

/** Why the kernel must not run graphs, or undefined when it matched everywhere. */
export function findGraphMismatch(kernel: Kernel): string | undefined {
  const noise = createNoise(0x2545f491);
  for (const numeric of numericFormats)
    for (const [name, input, layers] of [
      ['image', [9, 8, 2], image],
      ['sequence', [8], sequence],
    ] as const) {
      const model = parseModel({ format: 'fedai-model/1', numeric, input, layers });
      for (const [kind, fill] of STATES.entries()) {
        const difference = compare(kernel, model, fill, recipes[kind]!, noise);
        if (difference)
          return `${kernel.name} kernel differs from the reference: ${numeric}, ${name} graph, values ${kind}, ${difference}`;
      }
    }
  return undefined;
}
