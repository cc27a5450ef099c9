/** Model documents `fedai-model/1` and training recipes: what a job's author writes, with Keras names. Shapes are inferred in model.ts. */
import { z } from 'zod';
import { numericFormats } from './arithmetic/format.ts';

/** Limits keep every intermediate integer exact and a hostile document cheap to refuse. */
export const LIMITS = {
  layers: 64,
  dimension: 4096,
  kernel: 15,
  classes: 1024,
  parameters: 2 ** 22,
  activations: 2 ** 20,
  batch: 1024,
  /** Positions of one training batch, so that a sum of 12-bit mantissas fits int32. */
  positions: 2 ** 20,
  /** Activations of all layers for one training batch: a few hundred MiB of buffers at most. */
  batchActivations: 2 ** 25,
  documentBytes: 65_536,
} as const;

const dimension = z.int().min(1).max(LIMITS.dimension);
const window = z.tuple([z.int().min(1).max(LIMITS.kernel), z.int().min(1).max(LIMITS.kernel)]);
const activation = z.enum(['linear', 'relu', 'softmax']);

const conv2d = z.strictObject({
  class_name: z.literal('Conv2D'),
  config: z.strictObject({
    filters: dimension,
    kernel_size: window,
    strides: window.optional(),
    padding: z.enum(['same', 'valid']),
    activation,
    use_bias: z.boolean(),
  }),
});
const maxPooling2d = z.strictObject({
  class_name: z.literal('MaxPooling2D'),
  config: z.strictObject({ pool_size: window }),
});
const flatten = z.strictObject({ class_name: z.literal('Flatten') });
const relu = z.strictObject({ class_name: z.literal('ReLU') });
const dense = z.strictObject({
  class_name: z.literal('Dense'),
  config: z.strictObject({ units: dimension, activation, use_bias: z.boolean() }),
});

const layer = z.discriminatedUnion('class_name', [conv2d, maxPooling2d, flatten, relu, dense]);

/** Zod schema of a model document; shapes are not checked here. */
export const modelSchema = z.strictObject({
  format: z.literal('fedai-model/1'),
  numeric: z.enum(numericFormats),
  input: z.array(dimension).min(1).max(3),
  layers: z.array(layer).min(1).max(LIMITS.layers),
});

export type ModelDocument = z.infer<typeof modelSchema>;
export type LayerDocument = z.infer<typeof layer>;

const shift = z.int().min(0).max(31);

/**
 * Zod schema of a recipe. Momentum is 1 − 2^−momentumShift (0: none). The learning rate is 2^−learningRateShifts[i],
 * where i counts the boundaries (in steps) that the state's counter has reached.
 */
export const recipeSchema = z
  .strictObject({
    loss: z.literal('sparse_categorical_crossentropy'),
    optimizer: z.strictObject({
      class_name: z.literal('SGD'),
      config: z.strictObject({
        momentumShift: shift,
        learningRateShifts: z.array(shift).min(1).max(64),
        boundaries: z.array(z.int().min(1).max(Number.MAX_SAFE_INTEGER)).max(63),
      }),
    }),
    batchSize: z
      .int()
      .min(1)
      .max(LIMITS.batch)
      .refine((n) => (n & (n - 1)) === 0, 'batchSize must be a power of two'),
  })
  .refine(
    ({ optimizer: { config } }) => config.learningRateShifts.length === config.boundaries.length + 1,
    'learningRateShifts needs one entry more than boundaries',
  )
  .refine(
    ({ optimizer: { config } }) =>
      config.boundaries.every((b, i) => i === 0 || b > config.boundaries[i - 1]!),
    'boundaries must increase',
  );

export type TrainingRecipe = z.infer<typeof recipeSchema>;

/** The shift s of the learning rate 2^−s that the step after `counter` finished steps uses. */
export function learningRateShift(recipe: TrainingRecipe, counter: number): number {
  const { boundaries, learningRateShifts } = recipe.optimizer.config;
  let reached = 0;
  while (reached < boundaries.length && counter >= boundaries[reached]!) reached++;
  return learningRateShifts[reached]!;
}
