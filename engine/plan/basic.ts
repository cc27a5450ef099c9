/** What the fast kernels cover, and what of it is basic: layers one after the other, cross-entropy, SGD. */
import type { TrainingRecipe } from '../document.ts';
import type { Layer, Model } from './types.ts';

const BASIC: readonly Layer['kind'][] = ['dense', 'conv2d', 'pool', 'relu', 'flatten'];

const isBasicLayer = (layer: Layer, index: number): boolean =>
  BASIC.includes(layer.kind) && layer.from.length === 1 && layer.from[0] === index;

/** Whether training or predicting takes basic layers alone; no recipe: predicting. */
export const isBasic = (model: Model, recipe?: TrainingRecipe): boolean =>
  model.positions === 1 &&
  model.layers.every(isBasicLayer) &&
  (recipe === undefined ||
    (recipe.optimizer.class_name === 'SGD' &&
      recipe.loss === 'sparse_categorical_crossentropy' &&
      recipe.clipNormQ16 === undefined));

/** Whether a fast kernel covers the model, with any recipe: convolutions in groups are left to the reference. */
export const isFastModel = (model: Model): boolean =>
  model.layers.every((layer) => layer.kind !== 'conv2d' || layer.groups === 1);
