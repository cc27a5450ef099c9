/** The graphics device of this process, opened and admitted once, and whether it is worth using for a model. */
import { FedaiError } from '../../core/index.ts';
import type { TrainingRecipe } from '../document.ts';
import type { Batch, Kernel } from '../engine.ts';
import { type Layer, type Model, termsOf, volume } from '../model.ts';
import { momentsOf } from '../reference/optimiser.ts';
import { initialState } from '../state/state.ts';
import { loadRemoteKernel, type RemoteKernel } from './remote.ts';

export interface Device {
  readonly kernel: RemoteKernel;
}

let opened: Promise<Device | { readonly error: FedaiError }> | undefined;

async function open(): Promise<Device | { readonly error: FedaiError }> {
  try {
    return { kernel: await loadRemoteKernel() };
  } catch (error) {
    if (error instanceof FedaiError) return { error };
    throw error;
  }
}

/** The device, or why there is none: decided once a process. */
export function deviceOf(): Promise<Device | { readonly error: FedaiError }> {
  opened ??= open();
  return opened;
}

const VULKAN_DRIVERS = [
  '/etc/vulkan/icd.d',
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/usr/local/nvidia/share/vulkan/icd.d',
];

/** False where Linux names no Vulkan driver: then the package need not be loaded, which costs time and prints a warning. */
export function mayHaveDevice(): boolean {
  const { process } = globalThis;
  if (process?.platform !== 'linux') return true;
  const { VK_ICD_FILENAMES, VK_DRIVER_FILES } = process.env;
  if (VK_ICD_FILENAMES ?? VK_DRIVER_FILES) return true;
  const { existsSync } = process.getBuiltinModule('node:fs');
  return VULKAN_DRIVERS.some((folder) => existsSync(folder));
}

/** Products of one step below which the processor is done before a device has been asked. */
const WORTHWHILE_PRODUCTS = 2 ** 24;

/** Output, kernel gradient and input gradient take about as many products each. */
function productsOf(layer: Layer): number {
  if (layer.kind === 'dense' || layer.kind === 'conv2d') return 3 * volume(layer.output) * termsOf(layer);
  // Scores and their mixture, and twice as many on the way back.
  return layer.kind === 'attention' ? 6 * volume(layer.output) * layer.input[0] : 0;
}

export const isWorthwhile = ({ layers }: Model, { batchSize }: TrainingRecipe): boolean =>
  layers.reduce((sum, layer) => sum + batchSize * productsOf(layer), 0) >= WORTHWHILE_PRODUCTS;

/** Long enough for a few steps of any model that is worth a device. */
const TRIAL_MS = 200;

function stepsPerSecond(kernel: Omit<Kernel, 'name'>, model: Model, recipe: TrainingRecipe): number {
  const state = initialState(model, new Uint8Array(32), momentsOf(recipe));
  const trainer = kernel.trainer(model, recipe, state);
  const batch: Batch = {
    inputs: new Uint8Array(recipe.batchSize * model.inputSize),
    labels: new Uint8Array(recipe.batchSize),
  };
  // The first step allocates and compiles.
  trainer.step(batch);
  const started = performance.now();
  let steps = 0;
  do {
    trainer.step(batch);
    steps++;
  } while (performance.now() - started < TRIAL_MS);
  const seconds = (performance.now() - started) / 1000;
  trainer.close?.();
  return steps / seconds;
}

/** Whether the device trains this very model faster. A device that fails at it does not. */
export function isFaster(
  device: Kernel,
  other: Omit<Kernel, 'name'>,
  model: Model,
  recipe: TrainingRecipe,
): boolean {
  try {
    return stepsPerSecond(device, model, recipe) > stepsPerSecond(other, model, recipe);
  } catch (error) {
    if (error instanceof FedaiError && error.code.startsWith('DEVICE_')) return false;
    throw error;
  }
}
