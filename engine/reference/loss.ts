/** The loss of a batch and the gradient of its logits. */
import type { Wide } from '../arithmetic/blocks.ts';
import { PROBABILITY_BITS, softmaxGradient } from '../arithmetic/softmax.ts';
import { SQUARED_GRADIENT_BITS, squaredGradient } from '../arithmetic/squared.ts';
import type { TrainingRecipe } from '../document.ts';
import type { Batch } from '../engine.ts';
import type { Model } from '../model.ts';

/** Answers of all positions: of a sequence, each next byte of the input, and last the label. */
export function answersOf({ positions }: Model, { inputs, labels }: Batch): Uint8Array {
  if (positions === 1) return labels;
  return Uint8Array.from({ length: inputs.length }, (_, i) =>
    (i + 1) % positions === 0 ? labels[Math.floor(i / positions)]! : inputs[i + 1]!,
  );
}

/** Targets of mean squared error at 2^−16. */
export function targetsOf(
  { classes }: Model,
  { target = 'label' }: TrainingRecipe,
  { inputs, labels }: Batch,
): Int32Array {
  if (target === 'input') return Int32Array.from(inputs, (byte) => byte * 256);
  if (target === 'label') return Int32Array.from(labels, (byte) => byte * 256);
  const targets = new Int32Array(labels.length * classes);
  labels.forEach((label, row) => {
    targets[row * classes + label] = 65_536;
  });
  return targets;
}

/** Loss is the sum over samples and positions, at 2^−16; the gradient that of the sum. */
export function lossGradient(
  model: Model,
  recipe: TrainingRecipe,
  logits: Wide,
  batch: Batch,
): { loss: number; gradient: Wide } {
  const values = new Int32Array(logits.values.length);
  const { classes } = model;
  if (recipe.loss === 'mean_squared_error') {
    const targets = targetsOf(model, recipe, batch);
    const loss = squaredGradient(logits.values, logits.exponent, targets, classes, values);
    return { loss, gradient: { values, exponent: -SQUARED_GRADIENT_BITS } };
  }
  const answers = answersOf(model, batch);
  const loss = softmaxGradient(logits.values, logits.exponent, answers, classes, classes, values);
  return { loss, gradient: { values, exponent: -PROBABILITY_BITS } };
}
