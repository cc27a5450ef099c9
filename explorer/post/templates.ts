/** Jobs to begin with: a model that fits the data, a recipe that has proven itself, deadlines for blocks of a second. Values only. */
import type { JobDocument } from '../../job/index.ts';
import type { Draft } from './messages.ts';

type Layers = JobDocument['model']['layers'];

export interface Choices {
  readonly name: string;
  /** Shape of one record and how many classes, of the data once it is there. */
  readonly input: readonly number[];
  readonly classes: number;
  readonly workers: number;
  readonly evaluators: number;
  readonly rounds: number;
  readonly stepsPerRound: number;
  readonly batchSize: number;
  /** Wei. */
  readonly reward: bigint;
  readonly workerStake: bigint;
  readonly targetPercent: number;
}

export interface Template {
  readonly id: 'mlp' | 'cnn' | 'text' | 'own';
  readonly name: string;
  readonly means: string;
  readonly wants: string;
  readonly input: readonly number[];
  readonly classes: number;
  readonly layers: (classes: number) => Layers;
}

const dense = (units: number, activation: 'relu' | 'softmax'): Layers[number] => ({
  class_name: 'Dense',
  config: { units, activation, use_bias: true },
});
const convolution = (filters: number): Layers[number] => ({
  class_name: 'Conv2D',
  config: { filters, kernel_size: [5, 5], padding: 'same', activation: 'relu', use_bias: true },
});
const halve: Layers[number] = { class_name: 'MaxPooling2D', config: { pool_size: [2, 2] } };
const flatten: Layers[number] = { class_name: 'Flatten' };

export const TEMPLATES: readonly Template[] = [
  {
    id: 'cnn',
    name: 'Images, convolutional',
    means: 'Two convolutions and 11 thousand parameters: the net of the demo, made for small pictures.',
    wants: 'IDX files or a folder of images',
    input: [28, 28, 1],
    classes: 10,
    layers: (classes) => [convolution(8), halve, convolution(16), halve, flatten, dense(classes, 'softmax')],
  },
  {
    id: 'mlp',
    name: 'Images or tables, dense',
    means: 'One hidden layer of 64: the quickest to train, for small images and rows of numbers.',
    wants: 'IDX files, images or a CSV table',
    input: [28, 28, 1],
    classes: 10,
    layers: (classes) => [flatten, dense(64, 'relu'), dense(classes, 'softmax')],
  },
  {
    id: 'text',
    name: 'Small text',
    means: 'From 32 bytes the next one. A toy, but it learns spelling.',
    wants: 'one text file',
    input: [32],
    classes: 256,
    layers: (classes) => [flatten, dense(128, 'relu'), dense(classes, 'softmax')],
  },
  {
    id: 'own',
    name: 'Own document',
    means: 'Every field of a job document, as JSON. Begins with what the other templates made.',
    wants: 'whatever the model takes',
    input: [28, 28, 1],
    classes: 10,
    layers: (classes) => [flatten, dense(64, 'relu'), dense(classes, 'softmax')],
  },
];

export const templateOf = (id: Template['id']): Template => TEMPLATES.find((one) => one.id === id)!;

/** In blocks. A phase ends as soon as all have acted; the client's own has time for a person to look at the wallet. */
const DEADLINES: JobDocument['deadlines'] = {
  volunteerBlocks: 30,
  roundBlocks: 300,
  resultBlocks: 120,
  keyBlocks: 900,
  commitBlocks: 300,
  revealBlocks: 120,
};
const ROUND_TIMEOUT_MS = 120_000;

/** Learning rate 1/32 for three fifths of a slot's steps, 1/64 for the next, 1/128 for the last. */
export function draftOf(template: Template, choices: Choices): Draft {
  const { input, classes, rounds, stepsPerRound, workers } = choices;
  const steps = rounds * stepsPerRound;
  const boundaries = [Math.floor(0.6 * steps), Math.floor(0.8 * steps)];
  return {
    name: choices.name,
    model: {
      format: 'fedai-model/1',
      numeric: 'bfp12@1',
      input: [...input],
      layers: template.layers(classes),
    },
    recipe: {
      loss: 'sparse_categorical_crossentropy',
      optimizer:
        steps < 5
          ? { class_name: 'SGD', config: { momentumShift: 3, learningRateShifts: [5], boundaries: [] } }
          : { class_name: 'SGD', config: { momentumShift: 3, learningRateShifts: [5, 6, 7], boundaries } },
      batchSize: choices.batchSize,
    },
    training: { mode: 'federated', rounds, stepsPerRound, workers },
    evaluators: choices.evaluators,
    targetScorePpm: Math.round(choices.targetPercent * 10_000),
    minimumBands: 0,
    roundTimeoutMs: ROUND_TIMEOUT_MS,
    deadlines: DEADLINES,
    reward: choices.reward.toString(),
    workerStake: choices.workerStake.toString(),
  };
}
