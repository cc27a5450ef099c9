/** The kernel of a graphics device: opened, compiled, and admitted by the known answers on that very device. */
import { FedaiError } from '../../core/index.ts';
import type { TrainingRecipe } from '../document.ts';
import type { Predictions } from '../engine.ts';
import type { Model } from '../model.ts';
import { isBasic, isFastModel } from '../plan/basic.ts';
import type { TrainState } from '../state/state.ts';
import { findMismatch } from '../wasm/admit.ts';
import type { Adapter } from './device.ts';
import { findDevice } from './open.ts';
import { createDeviceTrainer, type DeviceTrainer, predictOnDevice } from './session.ts';

export interface DeviceKernel {
  readonly name: 'webgpu';
  readonly adapter: Adapter;
  trainer(model: Model, recipe: TrainingRecipe, state: TrainState): DeviceTrainer;
  predict(
    model: Model,
    weights: readonly Int32Array[],
    inputs: Uint8Array,
    count: number,
  ): Promise<Predictions>;
  close(): void;
}

/** Whether the device has every layer of a model, and of a recipe what it asks for. */
export const deviceCovers = (model: Model, recipe?: TrainingRecipe): boolean =>
  isBasic(model, recipe) && isFastModel(model);

/** Throws `NO_DEVICE` where there is none, `KERNEL_REFUSED` where one bit of it differs from the reference. */
export async function openDeviceKernel(): Promise<DeviceKernel> {
  const device = await findDevice();
  const kernel: DeviceKernel = {
    name: 'webgpu',
    adapter: device.adapter,
    trainer: (model, recipe, state) => createDeviceTrainer(device, model, recipe, state),
    predict: (model, weights, inputs, count) => predictOnDevice(device, model, weights, inputs, count),
    close: device.close,
  };
  const mismatch = await findMismatch(kernel);
  if (mismatch === undefined) return kernel;
  device.close();
  throw new FedaiError(
    'KERNEL_REFUSED',
    mismatch,
    { adapter: device.adapter.name },
    { remedy: 'use the wasm engine, or another driver' },
  );
}
