/** Training sessions and predictions on a device: weights go there once, and of a step only its loss comes back. */
import { learningRateShift, type TrainingRecipe } from '../document.ts';
import { type Batch, checkBatch, checkInputs, type Predictions } from '../engine.ts';
import type { Model } from '../model.ts';
import { meanLoss, storePrediction } from '../reference/kernel.ts';
import { checkState, checkWeights, type TrainState } from '../state/state.ts';
import { sgdOf } from './covers.ts';
import type { Device } from './device.ts';
import { createNetwork, type Network } from './network.ts';
import type { Program } from './program.ts';

/** A training session whose steps run elsewhere. Steps may be asked for before the one before them is done. */
export interface DeviceTrainer {
  /** Mean loss as `Trainer.step` gives it. Rejects with `DEVICE_LOST` (transient) when the device has gone. */
  step(batch: Batch): Promise<number>;
  export(): Promise<TrainState>;
  load(state: TrainState): void;
  /** Frees the device's memory. */
  close(): void;
}

const MAP_READ = 1;

/** Bytes as words, for buffers hold words. */
function words(bytes: Uint8Array): Uint32Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return new Uint32Array(padded.buffer);
}

/** OR of magnitudes. */
function magnitudeOf(values: Int32Array): number {
  let bits = 0;
  for (const value of values) bits |= Math.abs(value);
  return bits;
}

function write({ gpu }: Device, network: Network, weights: readonly Int32Array[]): void {
  for (const [t, tensor] of network.tensors.entries())
    gpu.queue.writeBuffer(tensor.weight, 0, Int32Array.from(weights[t]!));
  gpu.queue.writeBuffer(network.weightMagnitudes, 0, Int32Array.from(weights, magnitudeOf));
}

/** Copies what the device has computed so far into memory. */
async function read(
  device: Device,
  program: Program,
  parts: readonly { from: GPUBuffer; values: number }[],
): Promise<Int32Array[]> {
  const total = parts.reduce((sum, { values }) => sum + values, 0);
  const staging = program.staging(total);
  const encoder = device.gpu.createCommandEncoder();
  let at = 0;
  for (const { from, values } of parts) {
    encoder.copyBufferToBuffer(from, 0, staging, 4 * at, 4 * values);
    at += values;
  }
  device.gpu.queue.submit([encoder.finish()]);
  const all = await mapped(device, staging);
  program.free(staging);
  at = 0;
  return parts.map(({ values }) => {
    at += values;
    return all.slice(at - values, at);
  });
}

async function mapped(device: Device, staging: GPUBuffer): Promise<Int32Array> {
  try {
    await staging.mapAsync(MAP_READ);
    const values = new Int32Array(staging.getMappedRange()).slice();
    staging.unmap();
    device.check();
    return values;
  } catch (cause) {
    throw device.asFault(cause);
  }
}

/** Buffers for losses on their way back; one for each step that is not done. */
function createLosses(device: Device, { program, loss }: Network) {
  const idle: GPUBuffer[] = [];
  return {
    copy(encoder: GPUCommandEncoder): GPUBuffer {
      const staging = idle.pop() ?? program.staging(1);
      encoder.copyBufferToBuffer(loss, 0, staging, 0, 4);
      return staging;
    },
    async read(staging: GPUBuffer): Promise<number> {
      const [sum] = await mapped(device, staging);
      idle.push(staging);
      return sum!;
    },
  };
}

export function createDeviceTrainer(
  device: Device,
  model: Model,
  recipe: TrainingRecipe,
  start: TrainState,
): DeviceTrainer {
  checkState(model, start);
  device.check();
  const { gpu } = device;
  const network = createNetwork(device, model, recipe.batchSize, recipe);
  const { program, tensors } = network;
  const losses = createLosses(device, network);
  let counter = 0;
  const load = (state: TrainState): void => {
    checkState(model, state);
    write(device, network, state.weights);
    for (const [t, { velocity }] of tensors.entries())
      gpu.queue.writeBuffer(velocity!, 0, Int32Array.from(state.velocity[t]!));
    counter = state.counter;
  };
  load(start);
  return {
    async step(batch) {
      checkBatch(model, recipe, batch);
      device.check();
      const rate = learningRateShift(sgdOf(recipe), counter);
      gpu.queue.writeBuffer(network.inputs, 0, words(batch.inputs));
      gpu.queue.writeBuffer(network.labels, 0, Int32Array.from(batch.labels));
      gpu.queue.writeBuffer(network.rate, 0, Int32Array.of(rate));
      const encoder = gpu.createCommandEncoder();
      program.encode(encoder);
      const staging = losses.copy(encoder);
      gpu.queue.submit([encoder.finish()]);
      counter++;
      return meanLoss(await losses.read(staging), recipe.batchSize);
    },
    async export() {
      const finished = counter;
      const parts = [
        ...tensors.map(({ weight, size }) => ({ from: weight, values: size })),
        ...tensors.map(({ velocity, size }) => ({ from: velocity!, values: size })),
      ];
      const all = await read(device, program, parts);
      return {
        counter: finished,
        weights: all.slice(0, tensors.length),
        velocity: all.slice(tensors.length),
      };
    },
    load,
    close: program.close,
  };
}

/** Samples that one prediction takes at once; fewer where activations are many. */
const PREDICTED_AT_ONCE = 256;
const PREDICTED_ACTIVATIONS = 2 ** 22;

function predictedAtOnce(model: Model, count: number): number {
  const most = Math.max(model.inputSize, ...model.layers.map(({ output: [h, w, c] }) => h * w * c));
  return Math.max(1, Math.min(count, PREDICTED_AT_ONCE, Math.floor(PREDICTED_ACTIVATIONS / most)));
}

/** Scores each sample by itself: it has exponents of its own. */
export async function predictOnDevice(
  device: Device,
  model: Model,
  weights: readonly Int32Array[],
  inputs: Uint8Array,
  count: number,
): Promise<Predictions> {
  checkWeights(model, weights);
  checkInputs(model, inputs, count);
  device.check();
  const { classes, inputSize } = model;
  const out = { classes: new Uint16Array(count), logitsQ16: new Int32Array(count * classes) };
  if (count === 0) return out;
  const atOnce = predictedAtOnce(model, count);
  const network = createNetwork(device, model, atOnce, undefined);
  const { program } = network;
  try {
    write(device, network, weights);
    for (let first = 0; first < count; first += atOnce) {
      const bytes = inputs.subarray(first * inputSize, Math.min(count, first + atOnce) * inputSize);
      device.gpu.queue.writeBuffer(network.inputs, 0, words(bytes));
      const encoder = device.gpu.createCommandEncoder();
      program.encode(encoder);
      device.gpu.queue.submit([encoder.finish()]);
      const [logits, exponents] = await read(device, program, [
        { from: network.logits, values: atOnce * classes },
        { from: network.exponents, values: network.logitExponent + atOnce },
      ]);
      for (let row = 0; row < Math.min(atOnce, count - first); row++) {
        const exponent = exponents![network.logitExponent + row]!;
        storePrediction(out, first + row, logits!.subarray(row * classes, (row + 1) * classes), exponent);
      }
    }
  } finally {
    program.close();
  }
  return out;
}
