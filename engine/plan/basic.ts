/** What the fast kernels cover, and what of it is basic: layers one after the other, cross-entropy, SGD. */
import { FedaiError } from '../../core/index.ts';
import type { SgdConfig, TrainingRecipe } from '../document.ts';
import type { Layer, Model } from './types.ts';

export type BasicLayer = Extract<Layer, { kind: 'dense' | 'conv2d' | 'pool' | 'relu' | 'flatten' }>;

const BASIC: readonly Layer['kind'][] = ['dense', 'conv2d', 'pool', 'relu', 'flatten'];

const isBasicLayer = (layer: Layer, index: number): layer is BasicLayer =>
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

/** A kernel for basic recipes was asked for another: a fault of the program. */
const notBasic = (what: string): FedaiError =>
  new FedaiError(
    'NOT_BASIC',
    'this kernel does not cover it',
    { what },
    { remedy: 'use the reference kernel' },
  );

export function sgdOf(recipe: TrainingRecipe): SgdConfig {
  if (recipe.optimizer.class_name !== 'SGD') throw notBasic(recipe.optimizer.class_name);
  return recipe.optimizer.config;
}

/** The layers of a model that `isBasic` holds for. */
export function basicLayers(model: Model): readonly BasicLayer[] {
  return model.layers.map((layer, index) => {
    if (!isBasicLayer(layer, index)) throw notBasic(layer.kind);
    return layer;
  });
}
