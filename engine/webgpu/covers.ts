/** What a device has kernels for: dense and convolution layers, max pooling and ReLU in a row, cross-entropy, SGD. */
import { FedaiError } from '../../core/index.ts';
import type { SgdConfig, TrainingRecipe } from '../document.ts';
import type { ConvLayer, DenseLayer, Layer, Model, PoolLayer } from '../model.ts';

export type DeviceLayer =
  | DenseLayer
  | ConvLayer
  | PoolLayer
  | Extract<Layer, { kind: 'relu' }>
  | Extract<Layer, { kind: 'flatten' }>;

function isDeviceLayer(layer: Layer, index: number): layer is DeviceLayer {
  if (layer.from.length !== 1 || layer.from[0] !== index) return false;
  switch (layer.kind) {
    case 'conv2d':
      return layer.groups === 1;
    case 'dense':
    case 'pool':
    case 'relu':
    case 'flatten':
      return true;
    default:
      return false;
  }
}

const isDeviceRecipe = ({ optimizer, loss, clipNormQ16 }: TrainingRecipe): boolean =>
  optimizer.class_name === 'SGD' && loss === 'sparse_categorical_crossentropy' && clipNormQ16 === undefined;

/** Whether the device trains the model by the recipe; without one, whether it predicts with it. */
export const deviceCovers = (model: Model, recipe?: TrainingRecipe): boolean =>
  model.positions === 1 &&
  model.layers.every(isDeviceLayer) &&
  (recipe === undefined || isDeviceRecipe(recipe));

/** The device was asked for what it does not cover: a fault of the program. */
const notCovered = (what: string): FedaiError =>
  new FedaiError(
    'NOT_COVERED',
    'the graphics device has no kernel for it',
    { what },
    { remedy: 'use the wasm engine' },
  );

export function sgdOf({ optimizer }: TrainingRecipe): SgdConfig {
  if (optimizer.class_name !== 'SGD') throw notCovered(optimizer.class_name);
  return optimizer.config;
}

/** The layers of a model that `deviceCovers` holds for. */
export const deviceLayers = (model: Model): readonly DeviceLayer[] =>
  model.layers.map((layer, index) => {
    if (!isDeviceLayer(layer, index)) throw notCovered(layer.kind);
    return layer;
  });
