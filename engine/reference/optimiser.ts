/** SGD with momentum on int32 masters: velocity ← velocity − round(velocity / 2^m) + gradient, weight ← weight − round(velocity / 2^r). */
import { bitLength, MASTER_EXPONENT, rescale, roundShift, saturate } from '../arithmetic/integers.ts';
import { learningRateShift, type TrainingRecipe } from '../document.ts';
import type { Wide } from './products.ts';

/** Right shift that takes a tensor's gradient sum to the batch mean at the masters' exponent. */
export const gradientShift = (exponent: number, batchSize: number): number =>
  MASTER_EXPONENT - exponent + bitLength(batchSize) - 1;

/** Updates one tensor in place. */
export function updateTensor(
  weight: Int32Array,
  velocity: Int32Array,
  gradient: Wide,
  recipe: TrainingRecipe,
  counter: number,
): void {
  const { momentumShift } = recipe.optimizer.config;
  const rate = learningRateShift(recipe, counter);
  const shift = gradientShift(gradient.exponent, recipe.batchSize);
  for (let i = 0; i < weight.length; i++) {
    const decayed = velocity[i]! - roundShift(velocity[i]!, momentumShift);
    velocity[i] = saturate(decayed + rescale(gradient.values[i]!, shift));
    weight[i] = saturate(weight[i]! - roundShift(velocity[i]!, rate));
  }
}
