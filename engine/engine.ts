/** The engine's interface and its admission: what a kernel must offer, and which kernel a process uses. */
import { FedaiError } from '../core/index.ts';
import type { TrainingRecipe } from './document.ts';
import type { Model } from './model.ts';
import type { TrainState } from './state/state.ts';

export interface Batch {
  /** u8, [batchSize, ...input]. */
  readonly inputs: Uint8Array;
  /** Class of each sample. */
  readonly labels: Uint8Array;
}

/** A training session that keeps its buffers; nothing is allocated in a step. */
export interface Trainer {
  /** One exact step; returns the batch's mean loss in nats at 2^−16. Throws `BAD_BATCH` before anything changes. */
  step(batch: Batch): number;
  /** A copy of the present state. */
  export(): TrainState;
  /** Continues from another state of the same model. */
  load(state: TrainState): void;
  /** Frees what the session holds outside this process's memory, a device's buffers; otherwise absent. */
  close?(): void;
}

export interface Predictions {
  /** Class with the largest logit, the first of equals. */
  readonly classes: Uint16Array;
  /** [count, classes], logit · 2^16, rounded. */
  readonly logitsQ16: Int32Array;
}

export type KernelName = 'reference' | 'wasm' | 'webgpu';

/** What every kernel implements; the model's numeric format fixes the bits of all results. */
export interface Kernel {
  readonly name: KernelName;
  trainer(model: Model, recipe: TrainingRecipe, state: TrainState): Trainer;
  /** Scores each sample by itself, so the result does not depend on how samples are grouped. */
  predict(model: Model, weights: readonly Int32Array[], inputs: Uint8Array, count: number): Predictions;
}

/** Throws `BAD_BATCH` unless sizes and labels fit the model. */
export function checkBatch(model: Model, recipe: TrainingRecipe, batch: Batch): void {
  const expected = recipe.batchSize;
  const fits = batch.labels.length === expected && batch.inputs.length === expected * model.inputSize;
  if (!fits) {
    throw new FedaiError(
      'BAD_BATCH',
      'batch has the wrong size',
      { samples: batch.labels.length, bytes: batch.inputs.length, expected },
      { remedy: 'check the shape of the data set against the model' },
    );
  }
  checkTokens(model, batch.inputs);
  const classed = recipe.loss !== 'mean_squared_error' || recipe.target === 'one_hot';
  const wrong = classed ? batch.labels.findIndex((label) => label >= model.classes) : -1;
  if (wrong >= 0) {
    throw new FedaiError(
      'BAD_BATCH',
      'label is not a class of the model',
      { index: wrong, got: batch.labels[wrong], expected: `< ${model.classes}` },
      { remedy: 'give the last Dense as many units as the data has classes' },
    );
  }
}

/** Inputs of an embedding are rows of its table; of a sequence that is predicted they are classes too. */
function checkTokens(model: Model, inputs: Uint8Array): void {
  const rows = model.layers.flatMap((layer) => (layer.kind === 'embedding' ? [layer.rows] : []));
  const limit = Math.min(...rows, model.positions > 1 ? model.classes : 256);
  // Every byte is a pixel of an image: nothing to look for, and looking costs a fifth of a small model's step.
  if (limit > 255) return;
  const wrong = inputs.findIndex((token) => token >= limit);
  if (wrong < 0) return;
  throw new FedaiError(
    'BAD_BATCH',
    'an input byte is beyond the vocabulary of the model',
    { index: wrong, got: inputs[wrong], expected: `< ${limit}` },
    { remedy: 'raise input_dim of the Embedding and units of the last Dense to the vocabulary of the data' },
  );
}

/** Throws `BAD_BATCH` unless `inputs` holds exactly `count` samples. */
export function checkInputs(model: Model, inputs: Uint8Array, count: number): void {
  if (inputs.length !== count * model.inputSize) {
    throw new FedaiError(
      'BAD_BATCH',
      'inputs have the wrong size',
      { got: inputs.length, expected: count * model.inputSize },
      { remedy: 'check the shape of the data set against the model' },
    );
  }
  checkTokens(model, inputs);
}
