/** Small models and seeded values shared by the engine's tests. */
import type { Batch, Model, ModelDocument } from '../../engine/index.ts';

type Layers = ModelDocument['layers'];

const document = (input: number[], layers: Layers): ModelDocument => ({
  format: 'fedai-model/1',
  numeric: 'bfp12@1',
  input,
  layers,
});
export const dense = (
  units: number,
  activation: 'relu' | 'linear' | 'softmax',
  use_bias = true,
): Layers[number] => ({
  class_name: 'Dense',
  config: { units, activation, use_bias },
});
export const conv = (
  filters: number,
  kernel_size: [number, number],
  padding: 'same' | 'valid',
  activation: 'relu' | 'linear',
  strides?: [number, number],
  use_bias = true,
): Layers[number] => ({
  class_name: 'Conv2D',
  config: { filters, kernel_size, padding, activation, use_bias, ...(strides ? { strides } : {}) },
});
export const pool = (height: number, width: number): Layers[number] => ({
  class_name: 'MaxPooling2D',
  config: { pool_size: [height, width] },
});
export const flatten: Layers[number] = { class_name: 'Flatten' };
export const relu: Layers[number] = { class_name: 'ReLU' };

/** One model for each path: pooling with a remainder; strides and padding; sums of more than 512 terms; a lone layer. */
export const smallModels: Readonly<Record<string, ModelDocument>> = {
  'conv-pool': document(
    [7, 6, 2],
    [conv(5, [3, 3], 'same', 'relu'), pool(2, 2), flatten, dense(6, 'relu'), dense(3, 'softmax')],
  ),
  'conv-stride': document(
    [9, 8],
    [
      conv(4, [3, 3], 'same', 'linear', [2, 2]),
      relu,
      conv(3, [2, 3], 'valid', 'relu', [1, 1], false),
      flatten,
      dense(4, 'softmax'),
    ],
  ),
  'dense-long': document([2], [dense(540, 'relu'), dense(3, 'softmax')]),
  'dense-one': document([10], [dense(8, 'softmax', false)]),
};

/** xorshift32. */
export function createNoise(seed: number): () => number {
  let x = seed | 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x;
  };
}

export function sizedBatch(model: Model, batchSize: number, noise: () => number): Batch {
  return {
    inputs: Uint8Array.from({ length: batchSize * model.inputSize }, () => noise() & 255),
    labels: Uint8Array.from({ length: batchSize }, () => (noise() >>> 0) % model.classes),
  };
}

export const sgd = ({ momentumShift = 3, shifts = [4], boundaries = [] as number[], batchSize = 4 }) => ({
  loss: 'sparse_categorical_crossentropy',
  optimizer: { class_name: 'SGD', config: { momentumShift, learningRateShifts: shifts, boundaries } },
  batchSize,
});
