/** Recipes in floats: those that only this engine has, with Keras' names, and those of the exact engine, read as floats. */
import { z } from 'zod';
import { FedaiError } from '../../core/index.ts';
import { recipeSchema, type Schedule, type TrainingRecipe } from '../document.ts';
import { TFJS_LIMITS } from './topology.ts';

const share = z.number().min(0).lt(1);
const rate = z.number().gt(0).max(10);
const steps = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const weight_decay = z.number().min(0).max(1).optional();
/** As the exact engine's: up to the learning rate in equal strides, then constant or down to `floor`. */
const schedule = z
  .strictObject({
    warmupSteps: steps.optional(),
    decay: z.enum(['constant', 'linear', 'cosine']),
    /** From the end of the warm-up. */
    decaySteps: steps.optional(),
    floor: z.number().min(0).max(10).optional(),
  })
  .optional();

const floatSchema = z.strictObject({
  loss: z.enum(['sparse_categorical_crossentropy', 'binary_crossentropy', 'mean_squared_error']),
  /** Of mean_squared_error, as the exact engine means it. */
  target: z.enum(['label', 'one_hot', 'input']).optional(),
  optimizer: z.discriminatedUnion('class_name', [
    z.strictObject({
      class_name: z.literal('SGD'),
      config: z.strictObject({
        learning_rate: rate,
        momentum: share.optional(),
        nesterov: z.boolean().optional(),
        weight_decay,
        schedule,
      }),
    }),
    z.strictObject({
      class_name: z.enum(['Adam', 'AdamW']),
      config: z.strictObject({
        learning_rate: rate,
        beta_1: share.optional(),
        beta_2: share.optional(),
        epsilon: z.number().gt(0).max(1).optional(),
        weight_decay,
        schedule,
      }),
    }),
  ]),
  clipnorm: z.number().gt(0).max(1e6).optional(),
  batchSize: z.int().min(1).max(TFJS_LIMITS.batch),
});

type FloatDocument = z.infer<typeof floatSchema>;

export interface FloatRecipe {
  readonly loss: FloatDocument['loss'];
  readonly target: 'label' | 'one_hot' | 'input';
  readonly optimizer: {
    readonly kind: 'sgd' | 'adam';
    readonly momentum: number;
    readonly nesterov: boolean;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    /** Times the learning rate, of kernels and tables. */
    readonly weightDecay: number;
  };
  /** Of the step after so many finished ones. */
  readonly learningRate: (counter: number) => number;
  readonly clipNorm: number | undefined;
  readonly batchSize: number;
}

/** Keras' own. */
const [BETA_1, BETA_2, EPSILON] = [0.9, 0.999, 1e-7] as const;

interface FloatSchedule {
  readonly peak: number;
  readonly warmupSteps: number;
  readonly decay: Schedule['decay'];
  readonly decaySteps: number;
  readonly floor: number;
}

function scheduledRate(
  { peak, warmupSteps, decay, decaySteps, floor }: FloatSchedule,
  counter: number,
): number {
  if (counter < warmupSteps) return (peak * (counter + 1)) / warmupSteps;
  if (decay === 'constant') return peak;
  const done = Math.min(1, decaySteps === 0 ? 1 : (counter - warmupSteps) / decaySteps);
  const left = decay === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2;
  const low = Math.min(floor, peak);
  return low + (peak - low) * left;
}

const plain = {
  momentum: 0,
  nesterov: false,
  beta1: BETA_1,
  beta2: BETA_2,
  epsilon: EPSILON,
  weightDecay: 0,
};

function fromFloat(document: FloatDocument): FloatRecipe {
  const { optimizer, loss, target, clipnorm, batchSize } = document;
  const { learning_rate: peak, weight_decay: weightDecay = 0, schedule } = optimizer.config;
  const { warmupSteps = 0, decay = 'constant', decaySteps = 0, floor = 0 } = schedule ?? {};
  const rates: FloatSchedule = { peak, warmupSteps, decay, decaySteps, floor };
  const own =
    optimizer.class_name === 'SGD'
      ? {
          kind: 'sgd' as const,
          momentum: optimizer.config.momentum ?? 0,
          nesterov: optimizer.config.nesterov ?? false,
        }
      : {
          kind: 'adam' as const,
          beta1: optimizer.config.beta_1 ?? BETA_1,
          beta2: optimizer.config.beta_2 ?? BETA_2,
          epsilon: optimizer.config.epsilon ?? EPSILON,
        };
  return {
    loss,
    target: target ?? 'label',
    optimizer: { ...plain, ...own, weightDecay },
    learningRate: (counter) => scheduledRate(rates, counter),
    clipNorm: clipnorm,
    batchSize,
  };
}

const ratesOf = ({ peakQ24, floorQ24, ...rest }: Schedule): FloatSchedule => ({
  ...rest,
  peak: peakQ24 / 2 ** 24,
  floor: floorQ24 / 2 ** 24,
});

function optimiserOf({ optimizer }: TrainingRecipe): Pick<FloatRecipe, 'optimizer' | 'learningRate'> {
  if (optimizer.class_name === 'SGD') {
    const { momentumShift, learningRateShifts, boundaries } = optimizer.config;
    return {
      optimizer: { ...plain, kind: 'sgd', momentum: 1 - 2 ** -momentumShift },
      learningRate: (counter) =>
        2 ** -learningRateShifts[boundaries.filter((boundary) => counter >= boundary).length]!,
    };
  }
  const { weightDecayQ24, schedule } = optimizer.config;
  const weightDecay = weightDecayQ24 / 2 ** 24;
  const learningRate = (counter: number): number => scheduledRate(ratesOf(schedule), counter);
  if (optimizer.class_name === 'SGDW') {
    const momentum = 1 - 2 ** -optimizer.config.momentumShift;
    return { optimizer: { ...plain, kind: 'sgd', momentum, weightDecay }, learningRate };
  }
  const { beta1Shift, beta2Shift, epsilonQ34 } = optimizer.config;
  const [beta1, beta2, epsilon] = [1 - 2 ** -beta1Shift, 1 - 2 ** -beta2Shift, epsilonQ34 / 2 ** 34];
  return { optimizer: { ...plain, kind: 'adam', beta1, beta2, epsilon, weightDecay }, learningRate };
}

const fromExact = (recipe: TrainingRecipe): FloatRecipe => ({
  ...optimiserOf(recipe),
  loss: recipe.loss,
  target: recipe.target ?? 'label',
  clipNorm: recipe.clipNormQ16 === undefined ? undefined : recipe.clipNormQ16 / 2 ** 16,
  batchSize: recipe.batchSize,
});

/** Whether only this engine has it: learning rates in floats, Adam, other losses. */
export const isFloatRecipe = (json: unknown): boolean =>
  floatSchema.safeParse(json).success && !recipeSchema.safeParse(json).success;

/** Throws `BAD_RECIPE`. */
export function parseFloatRecipe(json: unknown): FloatRecipe {
  const exact = recipeSchema.safeParse(json);
  if (exact.success) return fromExact(exact.data);
  const parsed = floatSchema.safeParse(json);
  if (parsed.success) return fromFloat(parsed.data);
  const issue = parsed.error.issues[0];
  const where = issue?.path.map(String).join('.') || 'recipe';
  throw new FedaiError(
    'BAD_RECIPE',
    `not a training recipe: ${where}: ${issue?.message ?? 'unknown problem'}`,
    { field: where },
    {
      remedy:
        'give e.g. {"loss":"sparse_categorical_crossentropy","optimizer":{"class_name":"Adam","config":{"learning_rate":0.001}},"batchSize":64}',
    },
  );
}
