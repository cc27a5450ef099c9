/** The demo: a small convolutional net on 28 × 28 digits. Values only; data, reward and deadlines are added by who posts it. */
import type { ModelDocument, TrainingRecipe } from '../engine/index.ts';
import type { JobDocument } from './document.ts';

type LayerDocument = ModelDocument['layers'][number];

const convolution = (filters: number): LayerDocument => ({
  class_name: 'Conv2D',
  config: { filters, kernel_size: [5, 5], padding: 'same', activation: 'relu', use_bias: true },
});
const halve: LayerDocument = { class_name: 'MaxPooling2D', config: { pool_size: [2, 2] } };

/** 11 274 parameters: as accurate on 8 000 digits as nets of ten times their number, at half the arithmetic. */
export const demoModel: ModelDocument = {
  format: 'fedai-model/1',
  numeric: 'bfp12@1',
  input: [28, 28, 1],
  layers: [
    convolution(8),
    halve,
    convolution(16),
    halve,
    { class_name: 'Flatten' },
    { class_name: 'Dense', config: { units: 10, activation: 'softmax', use_bias: true } },
  ],
};

/** Learning rate 1/32 for 60 % of the steps of a slot, then 1/64, for the last fifth 1/128. */
export const demoRecipe: TrainingRecipe = {
  loss: 'sparse_categorical_crossentropy',
  optimizer: {
    class_name: 'SGD',
    config: { momentumShift: 3, learningRateShifts: [5, 6, 7], boundaries: [560, 784] },
  },
  batchSize: 16,
};

/** 6 rounds of 168 steps by 3 workers: six epochs of 8 000 digits. Fewer, longer rounds wait less for the chain. */
export const demoTraining: JobDocument['training'] = {
  mode: 'federated',
  rounds: 6,
  stepsPerRound: 168,
  workers: 3,
};
