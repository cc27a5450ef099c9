/** Optimisers on int32 masters. `moments` holds one tensor per master, AdamW's second moments after all the first. */
import type { Wide } from '../arithmetic/blocks.ts';
import {
  bitLength,
  MASTER_EXPONENT,
  powerOfTwo,
  rescale,
  roundShift,
  saturate,
} from '../arithmetic/integers.ts';
import { integerRoot } from '../arithmetic/roots.ts';
import { decayedQ30, rootOf, scheduledRate } from '../arithmetic/schedule.ts';
import { learningRateShift, type TrainingRecipe } from '../document.ts';

/** Right shift that takes a tensor's gradient sum to the batch mean at the masters' exponent. */
export const gradientShift = (exponent: number, batchSize: number): number =>
  MASTER_EXPONENT - exponent + bitLength(batchSize) - 1;

/** Moments of AdamW are at 2^−34: gradients of up to 1/8, and those of 10⁻⁷ still move them. */
export const MOMENT_EXTRA_BITS = 10;
/** Digits of the roots that the second moment is renewed with. */
const ROOT_DIGITS = 25;
/** First moment over root of the second, at 2^−20, is limited to ±16. */
const RATIO_BITS = 20;
const RATIO_MAX = 2 ** 24;
/** Corrected rates, at 2^−32, are limited to 1/32: a step of a ratio of 1 is as much. */
const PACE_MAX = 2 ** 27;

/** What an optimiser does to one tensor, in place. */
export type Update = (
  weight: Int32Array,
  moments: readonly Int32Array[],
  gradient: Wide,
  decays: boolean,
) => void;

/** The masters' own loss a step, rate · weightDecay at 2^−32. */
export const decayQ32 = (rateQ24: number, weightDecayQ24: number): number =>
  Math.floor((rateQ24 * weightDecayQ24) / 2 ** 16);

const decayed = (weight: number, lossQ32: number): number => weight - roundShift(weight * lossQ32, 32);

/** The update of the step after `counter` finished steps; `batch` is samples times positions, a power of two. */
export function createUpdate(recipe: TrainingRecipe, counter: number, batch: number): Update {
  const { optimizer } = recipe;
  switch (optimizer.class_name) {
    case 'SGD': {
      const { momentumShift } = optimizer.config;
      const rate = learningRateShift(optimizer.config, counter);
      return momentum(momentumShift, batch, (weight, v) => weight - roundShift(v, rate));
    }
    case 'SGDW': {
      const { momentumShift, weightDecayQ24, schedule } = optimizer.config;
      const rate = scheduledRate(schedule, counter);
      const loss = decayQ32(rate, weightDecayQ24);
      return momentum(momentumShift, batch, (weight, v, decays) => {
        return decayed(weight, decays ? loss : 0) - roundShift(v * rate, 24);
      });
    }
    case 'AdamW':
      return adamw(optimizer.config, counter, batch);
  }
}

function momentum(
  momentumShift: number,
  batch: number,
  next: (weight: number, velocity: number, decays: boolean) => number,
): Update {
  return (weight, [velocity], gradient, decays) => {
    const shift = gradientShift(gradient.exponent, batch);
    for (let i = 0; i < weight.length; i++) {
      const kept = velocity![i]! - roundShift(velocity![i]!, momentumShift);
      velocity![i] = saturate(kept + rescale(gradient.values[i]!, shift));
      weight[i] = saturate(next(weight[i]!, velocity![i]!, decays));
    }
  };
}

/** Root of s² + (g² − s²) · 2^−shift, on 25 binary digits of the larger; s, g ≥ 0. */
export function renewedRoot(s: number, g: number, shift: number): number {
  const most = Math.max(s, g);
  if (most === 0) return 0;
  const scale = ROOT_DIGITS - bitLength(most);
  const square = (x: number): number => {
    const digits = scale >= 0 ? x * powerOfTwo(scale) : Math.floor(x / powerOfTwo(-scale));
    return digits * digits;
  };
  const kept = square(s);
  return rescale(integerRoot(kept - roundShift(kept, shift) + roundShift(square(g), shift)), scale);
}

type AdamwConfig = Extract<TrainingRecipe['optimizer'], { class_name: 'AdamW' }>['config'];

/** What a step of AdamW needs beside the state: bias corrections are in pace and epsilon. */
export function adamwPace(config: AdamwConfig, counter: number) {
  const { beta1Shift, beta2Shift, epsilonQ34, weightDecayQ24, schedule } = config;
  const rate = scheduledRate(schedule, counter);
  // Bias corrections: rate · sqrt(c2) / c1, where c = 1 − beta^t, at 2^−32.
  const root = rootOf(decayedQ30(beta2Shift, counter + 1) << 30n);
  return {
    loss: decayQ32(rate, weightDecayQ24),
    pace: Math.min(PACE_MAX, Number((BigInt(rate) * root * 256n) / decayedQ30(beta1Shift, counter + 1))),
    epsilon: Math.max(1, Number((BigInt(epsilonQ34) * root) >> 30n)),
  };
}

function adamw(config: AdamwConfig, counter: number, batch: number): Update {
  const { beta1Shift, beta2Shift } = config;
  const { loss, pace, epsilon } = adamwPace(config, counter);
  return (weight, [first, second], gradient, decays) => {
    const shift = gradientShift(gradient.exponent, batch) - MOMENT_EXTRA_BITS;
    for (let i = 0; i < weight.length; i++) {
      const g = rescale(gradient.values[i]!, shift);
      const m = saturate(first![i]! + roundShift(g - first![i]!, beta1Shift));
      const s = renewedRoot(second![i]!, Math.abs(g), beta2Shift);
      first![i] = m;
      second![i] = s;
      const ratio = Math.floor((m * powerOfTwo(RATIO_BITS)) / (s + epsilon));
      const limited = Math.max(-RATIO_MAX, Math.min(RATIO_MAX, ratio));
      const step = roundShift(limited * pace, 32 + RATIO_BITS - 24);
      weight[i] = saturate(decayed(weight[i]!, decays ? loss : 0) - step);
    }
  };
}

/** Tensors of moments for each master. */
export const momentsOf = (recipe: TrainingRecipe): number =>
  recipe.optimizer.class_name === 'AdamW' ? 2 : 1;
