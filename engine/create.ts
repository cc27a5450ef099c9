/** Builds an engine: a kernel that matches the reference on this machine, and what stands in where it does not reach. */
import { FedaiError } from '../core/index.ts';
import type { TrainingRecipe } from './document.ts';
import type { Batch, Kernel, KernelName } from './engine.ts';
import type { Model } from './model.ts';
import { isBasic, isFastModel } from './plan/basic.ts';
import { referenceKernel } from './reference/kernel.ts';
import { initialState, type TrainState } from './state/state.ts';
import { findMismatch } from './wasm/admit.ts';
import { findGraphMismatch } from './wasm/admitGraphs.ts';
import { loadWasmKernel } from './wasm/kernel.ts';
import { type Device, deviceOf, isFaster, isWorthwhile } from './webgpu/choose.ts';
import { withFallback } from './webgpu/fallback.ts';
import { deviceCovers } from './webgpu/kernel.ts';

export interface Engine extends Omit<Kernel, 'name'> {
  readonly kernel: KernelName;
  /** Name of the graphics adapter, where the kernel is one. */
  readonly adapter?: string;
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

/** What an engine runs on: `covers` says what its kernel has; the rest goes to `others`, with the same bits. */
interface Parts {
  readonly kernel: Kernel;
  readonly covers: (model: Model, recipe?: TrainingRecipe) => boolean;
  readonly others: Omit<Kernel, 'name'>;
  readonly about?: { fallbackReason?: string; adapter?: string };
}

function engineOf({ kernel, covers, others, about }: Parts): Engine {
  const trainer: Kernel['trainer'] = (model, recipe, state) =>
    (covers(model, recipe) ? kernel : others).trainer(model, recipe, state);
  return {
    kernel: kernel.name,
    ...about,
    trainer,
    predict(model, weights, inputs, count) {
      return (covers(model) ? kernel : others).predict(model, weights, inputs, count);
    },
    initialState,
    step(model, recipe, state, batch) {
      const session = trainer(model, recipe, state);
      const lossQ16 = session.step(batch);
      const next = session.export();
      session.close?.();
      return { state: next, lossQ16 };
    },
  };
}

/** What the kernel does not cover, or errs on, goes to the reference: the same bits, slowly. */
const fromKernel = (kernel: Kernel, fallbackReason?: string): Engine =>
  engineOf({
    kernel,
    covers: (model, recipe) =>
      isFastModel(model) && (isBasic(model, recipe) || graphMismatch(kernel) === undefined),
    others: referenceKernel,
    ...(fallbackReason === undefined ? {} : { about: { fallbackReason } }),
  });

type Admission = { kernel: Kernel } | { reason: string };

async function admit(load: () => Promise<Kernel>): Promise<Admission> {
  try {
    const kernel = await load();
    const reason = await findMismatch(kernel);
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

export interface EngineOptions {
  kernel?: 'auto' | KernelName;
  /** Threads that share the work of a training session (Node only); its bits do not depend on them. */
  threads?: number;
  /** `auto` also tries the graphics device, and takes it where it trains this model faster. */
  fastestFor?: { readonly model: Model; readonly recipe: TrainingRecipe };
  /** Told when a graphics device failed and training went on without it. */
  onDeviceLost?: (error: FedaiError) => void;
  /** Replaces the WebAssembly kernel. */
  load?: () => Promise<Kernel>;
}

/**
 * `auto` (default) uses the WebAssembly kernel only after it has matched the reference, else falls back with a reason.
 * `wasm` and `webgpu` throw `KERNEL_REFUSED` or `NO_DEVICE` instead of falling back.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const wanted = options.kernel ?? 'auto';
  if (wanted === 'reference') return fromKernel(referenceKernel);
  const engine = await processorEngine(wanted === 'wasm', options);
  if (wanted === 'webgpu') {
    const device = await deviceOf();
    if ('kernel' in device) return deviceEngine(device, engine, options);
    throw device.error;
  }
  if (wanted === 'wasm' || !options.fastestFor) return engine;
  return fastest(engine, options.fastestFor, options);
}

async function processorEngine(required: boolean, { load, threads = 1 }: EngineOptions): Promise<Engine> {
  const outcome = await (load ? admit(load) : admission(threads));
  if ('kernel' in outcome) return fromKernel(outcome.kernel);
  if (!required) return fromKernel(referenceKernel, outcome.reason);
  throw new FedaiError(
    'KERNEL_REFUSED',
    outcome.reason,
    {},
    { remedy: 'run `npm run build`, or use the reference kernel' },
  );
}

/** What the device has not, and what it leaves undone when it is lost, the processor does. */
const deviceEngine = ({ kernel }: Device, engine: Engine, { onDeviceLost }: EngineOptions): Engine =>
  engineOf({
    kernel: withFallback(kernel, engine, onDeviceLost ?? (() => undefined)),
    covers: deviceCovers,
    others: engine,
    about: { adapter: kernel.adapter.name },
  });

/** Small steps and software adapters are not even tried: opening a device costs seconds. */
async function fastest(
  engine: Engine,
  { model, recipe }: NonNullable<EngineOptions['fastestFor']>,
  options: EngineOptions,
): Promise<Engine> {
  if (!deviceCovers(model, recipe) || !isWorthwhile(model, recipe)) return engine;
  const device = await deviceOf();
  if (!('kernel' in device) || device.kernel.adapter.software) return engine;
  return isFaster(device.kernel, engine, model, recipe) ? deviceEngine(device, engine, options) : engine;
}
