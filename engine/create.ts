/** Builds an engine: the fastest kernel that matches the reference on this machine. */
import { FedaiError } from '../core/index.ts';
import type { TrainingRecipe } from './document.ts';
import type { Batch, Kernel } from './engine.ts';
import type { Model } from './model.ts';
import { isBasic, isFastModel } from './plan/basic.ts';
import { referenceKernel } from './reference/kernel.ts';
import { initialState, type TrainState } from './state/state.ts';
import { findMismatch } from './wasm/admit.ts';
import { findGraphMismatch } from './wasm/admitGraphs.ts';
import { loadWasmKernel } from './wasm/kernel.ts';

export interface Engine extends Omit<Kernel, 'name'> {
  readonly kernel: Kernel['name'];
  /** Why a faster kernel was not admitted; absent when it was, or when the reference was asked for. */
  readonly fallbackReason?: string;
  /** `moments`: tensors that the optimiser keeps for each of the model's (`momentsOf`); 1 when absent. */
  initialState(model: Model, seed: Uint8Array, moments?: number): TrainState;
  /** The pure step that validators replay. */
  step(
    model: Model,
    recipe: TrainingRecipe,
    state: TrainState,
    batch: Batch,
  ): { state: TrainState; lossQ16: number };
}

const graphMismatches = new WeakMap<Kernel, { reason: string | undefined }>();

/** Why the kernel must not run graphs; looked for when the first one comes, since few processes see any. */
function graphMismatch(kernel: Kernel): string | undefined {
  const known = graphMismatches.get(kernel) ?? { reason: findGraphMismatch(kernel) };
  graphMismatches.set(kernel, known);
  return known.reason;
}

/** What the kernel does not cover, or errs on, goes to the reference: the same bits, slowly. */
function kernelFor(kernel: Kernel, model: Model, recipe?: TrainingRecipe): Kernel {
  if (kernel === referenceKernel || !isFastModel(model)) return referenceKernel;
  return isBasic(model, recipe) || graphMismatch(kernel) === undefined ? kernel : referenceKernel;
}

function fromKernel(kernel: Kernel, fallbackReason?: string): Engine {
  const trainer: Kernel['trainer'] = (model, recipe, state) =>
    kernelFor(kernel, model, recipe).trainer(model, recipe, state);
  return {
    kernel: kernel.name,
    ...(fallbackReason === undefined ? {} : { fallbackReason }),
    trainer,
    predict(model, weights, inputs, count) {
      return kernelFor(kernel, model).predict(model, weights, inputs, count);
    },
    initialState,
    step(model, recipe, state, batch) {
      const session = trainer(model, recipe, state);
      const lossQ16 = session.step(batch);
      return { state: session.export(), lossQ16 };
    },
  };
}

type Admission = { kernel: Kernel } | { reason: string };

async function admit(load: () => Promise<Kernel>): Promise<Admission> {
  try {
    const kernel = await load();
    const reason = findMismatch(kernel);
    return reason === undefined ? { kernel } : { reason };
  } catch (cause) {
    return {
      reason: `wasm kernel cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
    };
  }
}

/** Admission is decided once a process for each number of threads: its machine does not change. */
const admissions = new Map<number, Promise<Admission>>();

function admission(threads: number): Promise<Admission> {
  const known = admissions.get(threads) ?? admit(() => loadWasmKernel({ threads }));
  admissions.set(threads, known);
  return known;
}

/**
 * `auto` (default) uses the WebAssembly kernel only after it has matched the reference, else falls back with a reason.
 * `wasm` throws `KERNEL_REFUSED` instead of falling back. `load` replaces the candidate.
 * `threads` of a training session share its work (Node only); its bits do not depend on them.
 */
export async function createEngine(
  options: { kernel?: 'auto' | 'reference' | 'wasm'; threads?: number; load?: () => Promise<Kernel> } = {},
): Promise<Engine> {
  const wanted = options.kernel ?? 'auto';
  if (wanted === 'reference') return fromKernel(referenceKernel);
  const outcome = await (options.load ? admit(options.load) : admission(options.threads ?? 1));
  if ('kernel' in outcome) return fromKernel(outcome.kernel);
  if (wanted === 'auto') return fromKernel(referenceKernel, outcome.reason);
  throw new FedaiError(
    'KERNEL_REFUSED',
    outcome.reason,
    {},
    { remedy: 'run `npm run build`, or use the reference kernel' },
  );
}
