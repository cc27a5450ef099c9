/** Admission of a device: the calls that admission makes of a kernel are put to the reference first, then to the device one after the other. */
import type { TrainingRecipe } from '../document.ts';
import type { Batch, Kernel, Predictions } from '../engine.ts';
import type { Model } from '../model.ts';
import { referenceKernel } from '../reference/kernel.ts';
import type { TrainState } from '../state/state.ts';
import { findMismatch } from '../wasm/admit.ts';
import { findGraphMismatch } from '../wasm/admitGraphs.ts';
import { findDeviceGraphMismatch } from './admitGraphs.ts';
import type { DeviceTrainer } from './session.ts';

/** What a device must offer; its results come later. */
export interface Candidate {
  trainer(model: Model, recipe: TrainingRecipe, state: TrainState): DeviceTrainer;
  predict(
    model: Model,
    weights: readonly Int32Array[],
    inputs: Uint8Array,
    count: number,
  ): Promise<Predictions>;
}

/** One thing asked and its known answer: whether the device's is the same. */
type Question = (candidate: Candidate) => Promise<boolean>;

const sameTensors = (a: readonly Int32Array[], b: readonly Int32Array[]): boolean =>
  a.length === b.length && a.every((tensor, t) => tensor.every((value, i) => value === b[t]![i]));

const sameState = (a: TrainState, b: TrainState): boolean =>
  a.counter === b.counter && sameTensors(a.weights, b.weights) && sameTensors(a.velocity, b.velocity);

/** The reference, which writes down what it is asked and what it answers. */
function createRecorder(questions: Question[]): Kernel {
  const sessions = new Map<number, DeviceTrainer>();
  let made = 0;
  return {
    name: 'reference',
    trainer(model, recipe, state) {
      const inner = referenceKernel.trainer(model, recipe, state);
      const id = made++;
      questions.push(async (candidate) => {
        sessions.get(id - 1)?.close();
        sessions.set(id, candidate.trainer(model, recipe, state));
        return true;
      });
      return {
        ...inner,
        step(batch: Batch) {
          const expected = inner.step(batch);
          questions.push(async () => (await sessions.get(id)!.step(batch)) === expected);
          return expected;
        },
        export() {
          const expected = inner.export();
          questions.push(async () => sameState(await sessions.get(id)!.export(), expected));
          return expected;
        },
      };
    },
    predict(model, weights, inputs, count) {
      const expected = referenceKernel.predict(model, weights, inputs, count);
      questions.push(async (candidate) => {
        const { classes, logitsQ16 } = await candidate.predict(model, weights, inputs, count);
        return (
          sameTensors([logitsQ16], [expected.logitsQ16]) &&
          classes.every((value, i) => value === expected.classes[i])
        );
      });
      return expected;
    },
  };
}

/** Why the device must not be used, or undefined when every answer was the reference's. */
export async function findDeviceMismatch(candidate: Candidate): Promise<string | undefined> {
  const questions: Question[] = [];
  const recorder = createRecorder(questions);
  for (const ask of [findMismatch, findGraphMismatch, findDeviceGraphMismatch]) ask(recorder);
  for (const [index, asks] of questions.entries())
    if (!(await asks(candidate)))
      return `the device differs from the reference: known answer ${index + 1} of ${questions.length}`;
  return undefined;
}
