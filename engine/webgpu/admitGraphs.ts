/** Known answers beyond those of the processor's kernels: groups, the other ways through attention, long sums, and every value at its end. */
import { type NumericFormat, numericFormats } from '../arithmetic/format.ts';
import { type LayerDocument, recipeSchema } from '../document.ts';
import type { Kernel } from '../engine.ts';
import { parseModel } from '../model.ts';
import { BATCH, compare, createNoise, type Fill } from '../wasm/admit.ts';

const SQUARED = 'mean_squared_error';
const CLASSES = 'sparse_categorical_crossentropy';
const sgd = {
  class_name: 'SGD',
  config: { momentumShift: 1, learningRateShifts: [3], boundaries: [] },
};
/** Everything at its largest. */
const adamw = {
  class_name: 'AdamW',
  config: {
    ...{ beta1Shift: 1, beta2Shift: 16, epsilonQ34: 2 ** 30, weightDecayQ24: 2 ** 16 },
    schedule: { peakQ24: 2 ** 20, warmupSteps: 0, decay: 'linear', decaySteps: 9, floorQ24: 0 },
  },
};

const grouped = (filters: number, groups: number, strides: [number, number]): LayerDocument => ({
  class_name: 'Conv2D',
  config: {
    filters,
    kernel_size: [3, 2],
    strides,
    padding: 'same',
    groups,
    activation: 'relu',
    use_bias: true,
  },
});
const dense = (units: number, activation: 'linear' | 'relu' | 'softmax'): LayerDocument => ({
  class_name: 'Dense',
  config: { units, activation, use_bias: true },
});

/** Both ends and nothing; channels die, and moving variances are below zero. */
const ends: Fill = (noise) => (noise & 1 ? 0 : noise & 2 ? 2147483647 : -2147483647);
/** The same for AdamW, whose second moments are never negative. */
const upperEnds: Fill = (noise) => Math.abs(ends(noise));

interface Case {
  readonly formats: readonly NumericFormat[];
  readonly input: number[];
  readonly layers: readonly LayerDocument[];
  readonly runs: readonly { readonly fill?: Fill; readonly recipe: object }[];
}

const CASES: readonly Case[] = [
  {
    // More than 512 positions of a channel, windows with a remainder.
    formats: numericFormats,
    input: [13, 10, 2],
    layers: [
      { class_name: 'BatchNormalization', config: { epsilonShift: 30, momentumShift: 1 } },
      grouped(6, 2, [2, 2]),
      { class_name: 'BatchNormalization', config: { epsilonShift: 30, momentumShift: 3 } },
      grouped(12, 6, [1, 1]),
      { class_name: 'LayerNormalization', config: { epsilonShift: 1 } },
      { class_name: 'AveragePooling2D', config: { pool_size: [1, 4] } },
      { class_name: 'Flatten' },
      dense(9, 'relu'),
      dense(6, 'linear'),
    ],
    runs: [
      { recipe: { loss: SQUARED, target: 'one_hot', optimizer: sgd, clipNormQ16: 1000 } },
      { fill: ends, recipe: { loss: SQUARED, target: 'one_hot', optimizer: sgd } },
    ],
  },
  {
    // Rows of more than one slice of a normalisation, and of a workgroup of the softmax; no width matters for them.
    formats: ['bfp12@1'],
    input: [128],
    layers: [
      { class_name: 'Embedding', config: { input_dim: 70, output_dim: 4 } },
      { class_name: 'BatchNormalization', name: 'in' },
      dense(12, 'linear'),
      { class_name: 'Attention', config: { num_heads: 1, causal: false } },
      { class_name: 'Dropout', name: 'kept', config: { rateQ8: 255 } },
      { class_name: 'Add', from: ['in', 'kept'] },
      dense(70, 'softmax'),
    ],
    runs: [{ recipe: { loss: CLASSES, optimizer: sgd } }],
  },
  {
    formats: ['bfp12@1'],
    input: [5],
    layers: [dense(7, 'relu'), dense(5, 'linear')],
    runs: [
      {
        fill: upperEnds,
        recipe: { loss: SQUARED, target: 'input', optimizer: adamw, clipNormQ16: 2 ** 31 - 1 },
      },
      { recipe: { loss: SQUARED, target: 'input', optimizer: adamw, clipNormQ16: 1 } },
    ],
  },
];

/** Why the kernel must not run graphs, or undefined when it matched everywhere. */
export function findDeviceGraphMismatch(kernel: Kernel): string | undefined {
  const noise = createNoise(0x6c078965);
  for (const [index, { formats, input, layers, runs }] of CASES.entries())
    for (const numeric of formats) {
      const model = parseModel({ format: 'fedai-model/1', numeric, input, layers });
      for (const [kind, { fill, recipe }] of runs.entries()) {
        const parsed = recipeSchema.parse({ ...recipe, batchSize: BATCH });
        const difference = compare(kernel, model, fill, parsed, noise);
        if (difference)
          return `${kernel.name} kernel differs from the reference: ${numeric}, case ${index}, values ${kind}, ${difference}`;
      }
    }
  return undefined;
}
