/** The reference kernel: plain TypeScript, slow, obvious. Its results define the numeric formats; every other kernel must match them. */
import { bitLength, rescale, roundShift } from '../arithmetic/integers.ts';
import type { TrainingRecipe } from '../document.ts';
import { checkBatch, checkInputs, type Kernel, type Predictions, type Trainer } from '../engine.ts';
import type { Model } from '../model.ts';
import { checkState, checkWeights, copyState, type TrainState } from '../state/state.ts';
import { backward, forward } from './network.ts';
import { updateTensor } from './optimiser.ts';

const LOGIT_BITS = 16;

/** Sum of losses to their mean over a power-of-two batch, to nearest. */
export const meanLoss = (sum: number, batchSize: number): number => roundShift(sum, bitLength(batchSize) - 1);

function trainer(model: Model, recipe: TrainingRecipe, start: TrainState): Trainer {
  checkState(model, start);
  let state = copyState(start);
  return {
    step(batch) {
      checkBatch(model, recipe, batch);
      const pass = forward(model, state.weights, batch.inputs, recipe.batchSize);
      const { loss, gradients } = backward(model, state.weights, pass, batch.labels);
      gradients.forEach((gradient, t) => {
        updateTensor(state.weights[t]!, state.velocity[t]!, gradient, recipe, state.counter);
      });
      state = { ...state, counter: state.counter + 1 };
      return meanLoss(loss, recipe.batchSize);
    },
    export: () => copyState(state),
    load(next) {
      checkState(model, next);
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
    storePrediction(out, row, logits.values, logits.exponent);
  }
  return out;
}

export const referenceKernel: Kernel = { name: 'reference', trainer, predict };
