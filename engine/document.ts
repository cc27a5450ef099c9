/** Model documents `fedai-model/1` and training recipes: what a job's author writes, with Keras names. Shapes are inferred in model.ts. */
import { z } from 'zod';
import { numericFormats } from './arithmetic/format.ts';

/** Limits keep every intermediate integer exact and a hostile document cheap to refuse. */
export const LIMITS = {
  layers: 256,
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
const edges = z.tuple([z.int().min(0).max(LIMITS.kernel), z.int().min(0).max(LIMITS.kernel)]);
const window = z.tuple([z.int().min(1).max(LIMITS.kernel), z.int().min(1).max(LIMITS.kernel)]);
const activation = z.enum(['linear', 'relu', 'softmax']);

/** Where a layer stands in the graph: its own name, and whose outputs it takes (default: of the layer before; `input` is the model's). */
const place = {
  name: z.string().min(1).max(100).optional(),
  from: z.array(z.string().min(1).max(100)).min(1).max(8).optional(),
};
const epsilonShift = z.int().min(1).max(30).optional();
const padding = z.union([z.enum(['same', 'valid']), z.tuple([edges, edges])]);

const conv2d = z.strictObject({
  class_name: z.literal('Conv2D'),
  ...place,
  config: z.strictObject({
    filters: dimension,
    kernel_size: window,
    strides: window.optional(),
    /** `same` and `valid` as TensorFlow means them, or zero rows [above, below] and columns [left, right]. */
    padding,
    groups: dimension.optional(),
    activation,
    use_bias: z.boolean(),
  }),
});
const plain = <const Name extends string>(name: Name) =>
  z.strictObject({ class_name: z.literal(name), ...place });
const pooling = <const Name extends string>(name: Name) =>
  z.strictObject({ class_name: z.literal(name), ...place, config: z.strictObject({ pool_size: window }) });
const dense = z.strictObject({
  class_name: z.literal('Dense'),
  ...place,
  config: z.strictObject({ units: dimension, activation, use_bias: z.boolean() }),
});
const layerNormalization = z.strictObject({
  class_name: z.literal('LayerNormalization'),
  ...place,
  /** 2^−epsilonShift is added to the variance; default 16. */
  config: z.strictObject({ epsilonShift }).optional(),
});
const batchNormalization = z.strictObject({
  class_name: z.literal('BatchNormalization'),
  ...place,
  /** Moving statistics keep 1 − 2^−momentumShift of themselves (default 4); epsilonShift defaults to 10. */
  config: z.strictObject({ epsilonShift, momentumShift: z.int().min(1).max(16).optional() }).optional(),
});
const embedding = z.strictObject({
  class_name: z.literal('Embedding'),
  ...place,
  config: z.strictObject({ input_dim: z.int().min(2).max(256), output_dim: dimension }),
});
const attention = z.strictObject({
  class_name: z.literal('Attention'),
  ...place,
  config: z.strictObject({ num_heads: z.int().min(1).max(64), causal: z.boolean() }),
});
const dropout = z.strictObject({
  class_name: z.literal('Dropout'),
  ...place,
  /** Of 256 elements this many are dropped. */
  config: z.strictObject({ rateQ8: z.int().min(0).max(255) }),
});

const layer = z.discriminatedUnion('class_name', [
  conv2d,
  pooling('MaxPooling2D'),
  pooling('AveragePooling2D'),
  plain('GlobalAveragePooling2D'),
  plain('Flatten'),
  plain('ReLU'),
  plain('GELU'),
  plain('Add'),
  plain('PositionEmbedding'),
  dense,
  layerNormalization,
  batchNormalization,
  embedding,
  attention,
  dropout,
]);

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
const steps = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** 2^20 is a learning rate of 1/16: products with it stay exact. */
const rate = z
  .int()
  .min(0)
  .max(2 ** 20);
const weightDecayQ24 = z
  .int()
  .min(0)
  .max(2 ** 22);

/** The learning rate of a step, at 2^−24: up to `peakQ24` in equal strides, then constant or down to `floorQ24`. */
const schedule = z.strictObject({
  peakQ24: rate,
  warmupSteps: steps,
  decay: z.enum(['constant', 'linear', 'cosine']),
  /** From the end of the warm-up. */
  decaySteps: steps,
  floorQ24: rate,
});

const sgd = z
  .strictObject({
    momentumShift: shift,
    learningRateShifts: z.array(shift).min(1).max(64),
    boundaries: z.array(z.int().min(1).max(Number.MAX_SAFE_INTEGER)).max(63),
  })
  .refine(
    ({ learningRateShifts, boundaries }) => learningRateShifts.length === boundaries.length + 1,
    'learningRateShifts needs one entry more than boundaries',
  )
  .refine(
    ({ boundaries }) => boundaries.every((b, i) => i === 0 || b > boundaries[i - 1]!),
    'boundaries must increase',
  );
const TOO_MUCH_DECAY = 'peakQ24 · weightDecayQ24 must not be above 2^36';
const staysExact = (config: { weightDecayQ24: number; schedule: { peakQ24: number } }): boolean =>
  config.weightDecayQ24 * config.schedule.peakQ24 <= 2 ** 36;
/** Momentum 1 − 2^−momentumShift; weights of kernels and tables lose schedule · weightDecayQ24 of themselves a step. */
const sgdw = z
  .strictObject({ momentumShift: shift, weightDecayQ24, schedule })
  .refine(staysExact, TOO_MUCH_DECAY);
/** Moments keep 1 − 2^−beta1Shift and 1 − 2^−beta2Shift of themselves. */
const adamw = z
  .strictObject({
    beta1Shift: z.int().min(1).max(8),
    beta2Shift: z.int().min(1).max(16),
    /** Added to the root of the second moment, at 2^−34. */
    epsilonQ34: z
      .int()
      .min(1)
      .max(2 ** 30),
    weightDecayQ24,
    schedule,
  })
  .refine(staysExact, TOO_MUCH_DECAY);

/**
 * Zod schema of a recipe. SGD: momentum is 1 − 2^−momentumShift (0: none), the learning rate 2^−learningRateShifts[i],
 * where i counts the boundaries (in steps) that the state's counter has reached.
 */
export const recipeSchema = z.strictObject({
  loss: z.enum(['sparse_categorical_crossentropy', 'mean_squared_error']),
  /** Of mean_squared_error: the label byte / 256 (default), 1 at the label's place, or the input itself. */
  target: z.enum(['label', 'one_hot', 'input']).optional(),
  optimizer: z.discriminatedUnion('class_name', [
    z.strictObject({ class_name: z.literal('SGD'), config: sgd }),
    z.strictObject({ class_name: z.literal('SGDW'), config: sgdw }),
    z.strictObject({ class_name: z.literal('AdamW'), config: adamw }),
  ]),
  /** Gradients whose common Euclidean norm is above this (at 2^−16) are scaled down to it. */
  clipNormQ16: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .optional(),
  batchSize: z
    .int()
    .min(1)
    .max(LIMITS.batch)
    .refine((n) => (n & (n - 1)) === 0, 'batchSize must be a power of two'),
});

export type TrainingRecipe = z.infer<typeof recipeSchema>;
export type SgdConfig = z.infer<typeof sgd>;
export type Schedule = z.infer<typeof schedule>;

/** The shift s of the learning rate 2^−s that the step after `counter` finished steps uses. */
export function learningRateShift({ boundaries, learningRateShifts }: SgdConfig, counter: number): number {
  let reached = 0;
  while (reached < boundaries.length && counter >= boundaries[reached]!) reached++;
  return learningRateShifts[reached]!;
}
