/** The kernel of a graphics device: opened, compiled, and admitted by the known answers on that very device. */
import { FedaiError } from '../../core/index.ts';
import { type Candidate, findDeviceMismatch } from './admit.ts';
import type { Adapter } from './device.ts';
import { findDevice } from './open.ts';
import { createDeviceTrainer, predictOnDevice } from './session.ts';

export interface DeviceKernel extends Candidate {
  readonly name: 'webgpu';
  readonly adapter: Adapter;
  close(): void;
}

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
  const mismatch = await findDeviceMismatch(kernel);
  if (mismatch === undefined) return kernel;
  device.close();
  throw new FedaiError(
    'KERNEL_REFUSED',
    mismatch,
    { adapter: device.adapter.name },
    { remedy: 'use the wasm engine, or another driver' },
  );
}
