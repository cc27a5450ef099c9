/** What a session has learnt, out of and into the backend: weights and moments, as arrays and as checkpoints. */
import { readTensors } from '../exchange/fromSafetensors.ts';
import type { Built } from './build.ts';
import { decodeCheckpoint, encodeCheckpoint, type Named } from './checkpoint.ts';
import type { Core, Variable } from './library.ts';
import type { Optimiser } from './optimiser.ts';

export interface Keeper {
  weights(): Promise<Named[]>;
  start(file: Uint8Array): void;
  save(counter: number, backend: string): Promise<Uint8Array>;
  restore(bytes: Uint8Array): { readonly counter: number; readonly backend: string };
}

export function createKeeper(core: Core, { model, names }: Built, { moments }: Optimiser): Keeper {
  const slots = [...moments];
  const read = async (name: string, variable: Variable): Promise<Named> => ({
    name,
    shape: variable.shape,
    values: Float32Array.from(await variable.data()),
  });
  const weights = (): Promise<Named[]> =>
    Promise.all(model.weights.map((weight, i) => read(names[i]!, weight.read())));
  const weightSpecs = model.weights.map(({ shape }, i) => ({ name: names[i]!, shape }));
  function put(values: readonly ArrayLike<number>[]): void {
    core.tidy(() => {
      for (const [i, weight] of model.weights.entries())
        weight.write(core.tensor(Float32Array.from(values[i]!), weight.shape));
    });
  }
  return {
    weights,
    start: (file) => put(readTensors(file, weightSpecs).values),
    async save(counter, backend) {
      const kept = await Promise.all(slots.map(([name, variable]) => read(name, variable)));
      return encodeCheckpoint({ counter, backend }, [...(await weights()), ...kept]);
    },
    restore(bytes) {
      const specs = [...weightSpecs, ...slots.map(([name, { shape }]) => ({ name, shape }))];
      const { values, counter, backend } = decodeCheckpoint(bytes, specs);
      put(values);
      core.tidy(() => {
        for (const [i, [, variable]] of slots.entries())
          variable.assign(core.tensor(Float32Array.from(values[model.weights.length + i]!), variable.shape));
      });
      return { counter, backend };
    },
  };
}
