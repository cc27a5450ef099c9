/** What a step is given beside its batch, as words of one buffer: rates, decay, keys of dropout. Scalars, by the reference's own functions. */
import { scheduledRate } from '../arithmetic/schedule.ts';
import { learningRateShift, type TrainingRecipe } from '../document.ts';
import type { Batch } from '../engine.ts';
import type { Model } from '../model.ts';
import { dropoutKey } from '../reference/dropout.ts';
import { answersOf, targetsOf } from '../reference/loss.ts';
import { adamwPace, decayQ32 } from '../reference/optimiser.ts';
import { STEP_WORDS } from './wgsl/optimise.ts';

/** Rate, decay and epsilon of the step after `counter` finished steps. */
function ratesOf({ optimizer }: TrainingRecipe, counter: number): [number, number, number] {
  switch (optimizer.class_name) {
    case 'SGD':
      return [learningRateShift(optimizer.config, counter), 0, 0];
    case 'SGDW': {
      const rate = scheduledRate(optimizer.config.schedule, counter);
      return [rate, decayQ32(rate, optimizer.config.weightDecayQ24), 0];
    }
    case 'AdamW': {
      const { pace, loss, epsilon } = adamwPace(optimizer.config, counter);
      return [pace, loss, epsilon];
    }
  }
}

/** Words of `stepWords`. */
export const stepLength = ({ layers }: Model): number => STEP_WORDS.first + layers.length;

export function stepWords(model: Model, recipe: TrainingRecipe, counter: number): Int32Array {
  const words = new Int32Array(stepLength(model));
  const [rate, decay, epsilon] = ratesOf(recipe, counter);
  words[STEP_WORDS.rate] = rate;
  words[STEP_WORDS.decay] = decay;
  words[STEP_WORDS.epsilon] = epsilon;
  for (const layer of model.layers)
    if (layer.kind === 'dropout') words[STEP_WORDS.first + layer.index] = dropoutKey(counter, layer.index);
  return words;
}

/** What the loss compares with: a class for each row, or targets at 2^−16. */
export const goalsOf = (model: Model, recipe: TrainingRecipe, batch: Batch): Int32Array =>
  recipe.loss === 'mean_squared_error'
    ? targetsOf(model, recipe, batch)
    : Int32Array.from(answersOf(model, batch));

export const goalsLength = (model: Model, { loss, batchSize }: TrainingRecipe): number =>
  batchSize * (loss === 'mean_squared_error' ? model.classes : model.positions);
