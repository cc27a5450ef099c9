/** A model and data small enough for tests and real enough to learn. */
import { sha256, utf8 } from '../../core/index.ts';
import type { ModelDocument, TrainingRecipe } from '../../engine/index.ts';

/** 8 × 8 images of two bars; the class is where the bright bar stands. Deterministic, and learnt in a few steps. */
export function toyRecords(count: number, salt: string) {
  const inputs = new Uint8Array(count * 64);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const noise = sha256(utf8(`${salt} ${i}`));
    const label = noise[0]! % 4;
    labels[i] = label;
    for (let p = 0; p < 64; p++) {
      const lit = Math.floor((p % 8) / 2) === label;
      inputs[i * 64 + p] = (noise[p % 32]! >> 2) + (lit ? 160 : 0);
    }
  }
  return { kind: 'records' as const, inputs, labels, shape: [8, 8, 1], classes: 4 };
}

export const toyModel: ModelDocument = {
  format: 'fedai-model/1',
  numeric: 'bfp12@1',
  input: [8, 8, 1],
  layers: [
    { class_name: 'Flatten' },
    { class_name: 'Dense', config: { units: 16, activation: 'relu', use_bias: true } },
    { class_name: 'Dense', config: { units: 4, activation: 'softmax', use_bias: true } },
  ],
};

export const toyRecipe: TrainingRecipe = {
  loss: 'sparse_categorical_crossentropy',
  optimizer: { class_name: 'SGD', config: { momentumShift: 3, learningRateShifts: [6], boundaries: [] } },
  batchSize: 16,
};
