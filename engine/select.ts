/** Which engine a caller gets: the processor's kernels, or the graphics device where it is wanted or faster. */
import type { FedaiError } from '../core/index.ts';
import { createEngine as createProcessorEngine, type Engine as ProcessorEngine } from './create.ts';
import type { TrainingRecipe } from './document.ts';
import type { Kernel, KernelName } from './engine.ts';
import type { Model } from './model.ts';
import { isFastModel } from './plan/basic.ts';
import { type Device, deviceOf, isFaster, isWorthwhile, mayHaveDevice } from './webgpu/choose.ts';
import { deviceCovers } from './webgpu/covers.ts';
import { withFallback } from './webgpu/fallback.ts';

export interface Engine extends ProcessorEngine {
  /** Name of the graphics adapter, where the kernel is one. */
  readonly adapter?: string;
  /** The adapter runs on the processor: exact, and slower than the WebAssembly kernels. */
  readonly software?: boolean;
}

export interface EngineOptions {
  /** `auto` (default) and `reference` always give an engine; `wasm` and `webgpu` throw `KERNEL_REFUSED` or `NO_DEVICE`. */
  kernel?: 'auto' | KernelName;
  /** Threads that share the work of a training session (Node only); its bits do not depend on them. */
  threads?: number;
  /** With it, `auto` also tries the graphics device, and takes it where it trains this model faster. */
  fastestFor?: { readonly model: Model; readonly recipe: TrainingRecipe };
  /** Told when a graphics device failed and training went on without it. */
  onDeviceLost?: (error: FedaiError) => void;
  /** Replaces the WebAssembly kernel. */
  load?: () => Promise<Kernel>;
}

/** The engine of this process and these options; a kernel is only ever used after it has matched the reference here. */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { kernel = 'auto', fastestFor, onDeviceLost, ...rest } = options;
  if (kernel === 'webgpu') {
    const device = await deviceOf();
    if ('error' in device) throw device.error;
    return deviceEngine(device, await createProcessorEngine(rest), onDeviceLost);
  }
  const engine = await createProcessorEngine({ ...rest, kernel });
  return kernel === 'auto' && fastestFor ? fastest(engine, fastestFor, onDeviceLost) : engine;
}

/** What the device has not, and what it leaves undone when it is lost, the processor does. */
function deviceEngine({ kernel }: Device, engine: Engine, onLost?: (error: FedaiError) => void): Engine {
  const safe = withFallback(kernel, engine, onLost ?? (() => undefined));
  const trainer: Kernel['trainer'] = (model, recipe, state) =>
    (deviceCovers(model, recipe) ? safe : engine).trainer(model, recipe, state);
  return {
    kernel: 'webgpu',
    adapter: kernel.adapter.name,
    software: kernel.adapter.software,
    trainer,
    predict: (model, weights, inputs, count) =>
      (deviceCovers(model) ? safe : engine).predict(model, weights, inputs, count),
    initialState: engine.initialState,
    step(model, recipe, state, batch) {
      const session = trainer(model, recipe, state);
      const lossQ16 = session.step(batch);
      const next = session.export();
      session.close?.();
      return { state: next, lossQ16 };
    },
  };
}

/** Small steps and software adapters are not even tried: opening a device costs seconds. */
async function fastest(
  engine: Engine,
  { model, recipe }: NonNullable<EngineOptions['fastestFor']>,
  onLost: EngineOptions['onDeviceLost'],
): Promise<Engine> {
  if (!deviceCovers(model, recipe) || !isWorthwhile(model, recipe) || !mayHaveDevice()) return engine;
  const device = await deviceOf();
  if ('error' in device || device.kernel.adapter.software) return engine;
  // What the processor has no fast kernel for need not be tried there: a step of the reference may take minutes.
  const taken = !isFastModel(model) || isFaster(device.kernel, engine, model, recipe);
  return taken ? deviceEngine(device, engine, onLost) : engine;
}
