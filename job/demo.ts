/** The demo: a small convolutional net on 28 × 28 digits. Values only; data, reward and deadlines are added by who posts it. */
import type { ModelDocument, TrainingRecipe } from '../engine/index.ts';
import type { JobDocument } from './document.ts';

export const demoModel: ModelDocument = {
  format: 'fedai-model/1',
  numeric: 'bfp12@1',
  input: [28, 28, 1],
  layers: [
    {
      class_name: 'Conv2D',
      config: { filters: 16, kernel_size: [3, 3], padding: 'same', activation: 'relu', use_bias: true },
    },
    { class_name: 'MaxPooling2D', config: { pool_size: [2, 2] } },
    {
      class_name: 'Conv2D',
      config: { filters: 32, kernel_size: [3, 3], padding: 'same', activation: 'relu', use_bias: true },
    },
    { class_name: 'MaxPooling2D', config: { pool_size: [2, 2] } },
    { class_name: 'Flatten' },
    { class_name: 'Dense', config: { units: 64, activation: 'relu', use_bias: true } },
    { class_name: 'Dense', config: { units: 10, activation: 'softmax', use_bias: true } },
  ],
};

export const demoRecipe: TrainingRecipe = {
  loss: 'sparse_categorical_crossentropy',
  optimizer: {
    class_name: 'SGD',
    config: { momentumShift: 3, learningRateShifts: [6], boundaries: [] },
  },
  batchSize: 64,
};

export const demoTraining: JobDocument['training'] = {
  mode: 'federated',
  rounds: 10,
  stepsPerRound: 42,
  workers: 3,
};
