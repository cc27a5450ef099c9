/** The reference kernel: plain TypeScript, slow, obvious. Its results define the numeric formats; every other kernel must match them. */
import { bitLength, rescale, roundShift } from '../arithmetic/integers.ts';
import type { TrainingRecipe } from '../document.ts';
import {
  type Batch,
  checkBatch,
  checkInputs,
  type Kernel,
  type Predictions,
  type Trainer,
} from '../engine.ts';
import type { Model } from '../model.ts';
import { checkState, checkWeights, copyState, type TrainState } from '../state/state.ts';
import { clipGradients } from './clip.ts';
import { backward, forward } from './network.ts';
import { createUpdate, momentsOf } from './optimiser.ts';

const LOGIT_BITS = 16;

/** Sum of losses to their mean over a power-of-two batch, to nearest. */
export const meanLoss = (sum: number, batchSize: number): number => roundShift(sum, bitLength(batchSize) - 1);

/** One step on a state of our own, in place. Returns the sum of losses. */
function stepInPlace(model: Model, recipe: TrainingRecipe, state: TrainState, batch: Batch): number {
  const { counter, weights, velocity } = state;
  const pass = forward(model, weights, batch.inputs, recipe.batchSize, counter);
  const { loss, gradients, statistics } = backward(model, recipe, pass, batch);
  const size = recipe.batchSize * model.positions;
  const clipped =
    recipe.clipNormQ16 === undefined ? gradients : clipGradients(gradients, recipe.clipNormQ16, size);
  const update = createUpdate(recipe, counter, size);
  const { length } = model.tensors;
  clipped.forEach((gradient, t) => {
    const moments = Array.from({ length: momentsOf(recipe) }, (_, i) => velocity[i * length + t]!);
    const decays = model.tensors[t]!.shape.length > 1;
    if (gradient) update(weights[t]!, moments, gradient, decays);
  });
  for (const { tensor, target, momentumShift } of statistics) {
    const moving = weights[tensor]!;
    for (let c = 0; c < moving.length; c++)
      moving[c] = moving[c]! + roundShift(target[c]! - moving[c]!, momentumShift);
  }
  return loss;
}

function trainer(model: Model, recipe: TrainingRecipe, start: TrainState): Trainer {
  checkState(model, start, momentsOf(recipe));
  let state = copyState(start);
  return {
    step(batch) {
      checkBatch(model, recipe, batch);
      const loss = stepInPlace(model, recipe, state, batch);
      state = { ...state, counter: state.counter + 1 };
      return meanLoss(loss, recipe.batchSize * model.positions);
    },
    export: () => copyState(state),
    load(next) {
      checkState(model, next, momentsOf(recipe));
      state = copyState(next);
    },
  };
}

/** Writes class and Q16 logits of sample `row` from its int32 logits at `exponent`. */
export function storePrediction(out: Predictions, row: number, logits: Int32Array, exponent: number): void {
  const classes = out.logitsQ16.length / out.classes.length;
  let best = 0;
  for (let j = 0; j < classes; j++) {
    if (logits[j]! > logits[best]!) best = j;
    out.logitsQ16[row * classes + j] = rescale(logits[j]!, -LOGIT_BITS - exponent);
  }
  out.classes[row] = best;
}

function predict(
  model: Model,
  weights: readonly Int32Array[],
  inputs: Uint8Array,
  count: number,
): Predictions {
  checkWeights(model, weights);
  checkInputs(model, inputs, count);
  const out = { classes: new Uint16Array(count), logitsQ16: new Int32Array(count * model.classes) };
  for (let row = 0; row < count; row++) {
    const sample = inputs.subarray(row * model.inputSize, (row + 1) * model.inputSize);
    const { logits } = forward(model, weights, sample, 1);
    // Of a sequence, what comes after it: the last position's.
    const last = logits.values.subarray(-model.classes);
    storePrediction(out, row, last, logits.exponent);
  }
  return out;
}

export const referenceKernel: Kernel = { name: 'reference', trainer, predict };
