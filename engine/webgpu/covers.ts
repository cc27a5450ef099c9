/** What a device has kernels for. A kind that is added must be named here; what is not covered goes to the processor's kernels. */
import type { TrainingRecipe } from '../document.ts';
import type { Layer, Model } from '../model.ts';

const LAYERS: Readonly<Record<Layer['kind'], boolean>> = {
  dense: true,
  conv2d: true,
  pool: true,
  average: true,
  relu: true,
  gelu: true,
  flatten: true,
  add: true,
  dropout: true,
  layerNorm: true,
  batchNorm: true,
  embedding: true,
  position: true,
  attention: true,
};

const LOSSES: Readonly<Record<TrainingRecipe['loss'], boolean>> = {
  sparse_categorical_crossentropy: true,
  mean_squared_error: true,
};

const OPTIMISERS: Readonly<Record<TrainingRecipe['optimizer']['class_name'], boolean>> = {
  SGD: true,
  SGDW: true,
  AdamW: true,
};

/** Whether the device trains the model by the recipe; without one, whether it predicts with it. */
export const deviceCovers = (model: Model, recipe?: TrainingRecipe): boolean =>
  model.layers.every(({ kind }) => LAYERS[kind]) &&
  (recipe === undefined || (LOSSES[recipe.loss] && OPTIMISERS[recipe.optimizer.class_name]));
