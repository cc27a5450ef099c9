/** What every fast kernel covers: basic layers one after the other, cross-entropy, SGD. The rest is left to the reference. */
import { FedaiError } from '../../core/index.ts';
import type { SgdConfig, TrainingRecipe } from '../document.ts';
import type { BasicLayer, Layer, Model } from './types.ts';

const BASIC: readonly Layer['kind'][] = ['dense', 'conv2d', 'pool', 'relu', 'flatten'];

const isBasicLayer = (layer: Layer, index: number): layer is BasicLayer =>
  BASIC.includes(layer.kind) &&
  layer.from.length === 1 &&
  layer.from[0] === index &&
  (layer.kind !== 'conv2d' || layer.groups === 1);

/** Whether predictions need basic layers alone. */
export const isBasicModel = (model: Model): boolean =>
  model.positions === 1 && model.layers.every(isBasicLayer);

export const isBasicRecipe = (recipe: TrainingRecipe): boolean =>
  recipe.optimizer.class_name === 'SGD' &&
  recipe.loss === 'sparse_categorical_crossentropy' &&
  recipe.clipNormQ16 === undefined;

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

/** The layers of a model that `isBasicModel` holds for. */
export function basicLayers(model: Model): readonly BasicLayer[] {
  return model.layers.map((layer, index) => {
    if (!isBasicLayer(layer, index)) throw notBasic(layer.kind);
    return layer;
  });
}
