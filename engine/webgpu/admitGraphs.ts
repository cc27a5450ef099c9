/** Known answers beyond those of the processor's kernels: groups, the other ways through attention, long sums, and every value at its end. */
import { type NumericFormat, numericFormats } from '../arithmetic/format.ts';
import { type LayerDocument, recipeSchema } from '../document.ts';
import type { Kernel } from '../engine.ts';
import { parseModel } from '../model.ts';
import { BATCH, compare, createNoise, type Fill } from '../wasm/admit.ts';

const schedule = { peakQ24: 2 ** 20, warmupSteps: 0, decay: 'linear', decaySteps: 9, floorQ24: 0 };
const adamw = {
  class_name: 'AdamW',
  config: { beta1Shift: 1, beta2Shift: 16, epsilonQ34: 2 ** 30, weightDecayQ24: 2 ** 16, schedule },
};
const sgd = {
  class_name: 'SGD',
  config: { momentumShift: 1, learningRateShifts: [3], boundaries: [] },
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

interface Case {
  readonly formats: readonly NumericFormat[];
  readonly states: readonly (Fill | undefined)[];
  readonly input: number[];
  readonly layers: readonly LayerDocument[];
  readonly recipe: object;
}

/** Both ends; second moments are never negative. */
const ends: Fill = (noise) => (noise % 3 === 0 ? 2147483647 : noise % 3 === 1 ? 0 : 1);

const CASES: readonly Case[] = [
  {
    formats: numericFormats,
    states: [undefined, ends],
    input: [7, 6, 6],
    layers: [
      grouped(6, 2, [2, 1]),
      { class_name: 'BatchNormalization', config: { epsilonShift: 30, momentumShift: 1 } },
      grouped(12, 6, [1, 1]),
      { class_name: 'LayerNormalization', config: { epsilonShift: 1 } },
      { class_name: 'AveragePooling2D', config: { pool_size: [1, 4] } },
      { class_name: 'Flatten' },
      dense(6, 'linear'),
    ],
    recipe: { loss: 'mean_squared_error', target: 'one_hot', optimizer: adamw, clipNormQ16: 1 },
  },
  {
    // Rows of more than one slice of a normalisation, and of a workgroup of the softmax; no width matters for them.
    formats: ['bfp12@1'],
    states: [undefined],
    input: [128],
    layers: [
      { class_name: 'Embedding', config: { input_dim: 70, output_dim: 2 } },
      { class_name: 'BatchNormalization', name: 'in' },
      dense(6, 'linear'),
      { class_name: 'Attention', config: { num_heads: 1, causal: false } },
      { class_name: 'Dropout', name: 'kept', config: { rateQ8: 255 } },
      { class_name: 'Add', from: ['in', 'kept'] },
      dense(70, 'softmax'),
    ],
    recipe: { loss: 'sparse_categorical_crossentropy', optimizer: sgd, clipNormQ16: 2 ** 31 - 1 },
  },
];

/** Why the kernel must not run graphs, or undefined when it matched everywhere. */
export function findDeviceGraphMismatch(kernel: Kernel): string | undefined {
  const noise = createNoise(0x6c078965);
  for (const [index, { formats, states, input, layers, recipe }] of CASES.entries())
    for (const numeric of formats) {
      const model = parseModel({ format: 'fedai-model/1', numeric, input, layers });
      const parsed = recipeSchema.parse({ ...recipe, batchSize: BATCH });
      for (const [kind, fill] of states.entries()) {
        const difference = compare(kernel, model, fill, parsed, noise);
        if (difference)
          return `${kernel.name} kernel differs from the reference: ${numeric}, case ${index}, values ${kind}, ${difference}`;
      }
    }
  return undefined;
}
