/** Sessions of the TensorFlow.js engine for tests, and small models for them. */
import type { Batch } from '../../engine/index.ts';
import {
  type BackendName,
  openTraining,
  parseFloatRecipe,
  parseTopology,
  type TfjsSession,
} from '../../engine/tfjs/index.ts';
import { VOCABULARY, WINDOW } from './lstm.ts';

const sessions: TfjsSession[] = [];
export function disposeSessions(): void {
  for (const session of sessions.splice(0)) session.dispose();
}

export async function open(
  model: unknown,
  recipe: unknown,
  backend: BackendName = 'wasm',
): Promise<TfjsSession> {
  const options = { topology: parseTopology(model), recipe: parseFloatRecipe(recipe), seed: 5, backend };
  const { session } = await openTraining(options);
  sessions.push(session);
  return session;
}

/** Windows of a text that counts up. */
export const counting = (step: number): Batch => {
  const inputs = Uint8Array.from(
    { length: 8 * WINDOW },
    (_, i) => (step + (i >> 1) + (i % WINDOW)) % VOCABULARY,
  );
  const last = (sample: number): number => inputs[sample * WINDOW + WINDOW - 1]!;
  return { inputs, labels: Uint8Array.from({ length: 8 }, (_, i) => (last(i) + 1) % VOCABULARY) };
};

export const sequential = (...layers: unknown[]) => ({ class_name: 'Sequential', config: { layers } });
export const head = { class_name: 'Dense', config: { units: 3, activation: 'softmax' } };
export const flat = { class_name: 'Flatten', config: {} };
export const image = { batch_input_shape: [null, 6, 7, 2] };
export const sgd = {
  loss: 'sparse_categorical_crossentropy',
  optimizer: { class_name: 'SGD', config: { learning_rate: 0.2, momentum: 0.9 } },
  batchSize: 3,
};
