/** Training sessions and predictions on a device: weights go there once, and of a step only its loss comes back. */
import type { TrainingRecipe } from '../document.ts';
import { type Batch, checkBatch, checkInputs, type Predictions } from '../engine.ts';
import { type Layer, type Model, volume } from '../model.ts';
import { meanLoss, storePrediction } from '../reference/kernel.ts';
import { momentsOf } from '../reference/optimiser.ts';
import { checkState, checkWeights, type TrainState } from '../state/state.ts';
import type { Device } from './device.ts';
import { createNetwork, type Network } from './network.ts';
import { MAX_WORKGROUPS, type Program } from './program.ts';
import { squareOf } from './sequence.ts';
import { goalsOf, stepWords } from './step.ts';
import { TILE } from './wgsl/products.ts';

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
  parts: readonly { from: GPUBuffer; values: number; first?: number }[],
): Promise<Int32Array[]> {
  const total = parts.reduce((sum, { values }) => sum + values, 0);
  const staging = program.staging(total);
  const encoder = device.gpu.createCommandEncoder();
  let at = 0;
  for (const { from, values, first = 0 } of parts) {
    encoder.copyBufferToBuffer(from, 4 * first, staging, 4 * at, 4 * values);
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

const TWO_TO_32 = 4_294_967_296;

/** Buffers for losses on their way back; one for each step that is not done. */
function createLosses(device: Device, { program, loss }: Network) {
  const idle: GPUBuffer[] = [];
  return {
    copy(encoder: GPUCommandEncoder): GPUBuffer {
      const staging = idle.pop() ?? program.staging(2);
      encoder.copyBufferToBuffer(loss, 0, staging, 0, 8);
      return staging;
    },
    async read(staging: GPUBuffer): Promise<number> {
      const [low, high] = await mapped(device, staging);
      idle.push(staging);
      return high! * TWO_TO_32 + (low! >>> 0);
    },
  };
}

export function createDeviceTrainer(
  device: Device,
  model: Model,
  recipe: TrainingRecipe,
  start: TrainState,
): DeviceTrainer {
  const moments = momentsOf(recipe);
  checkState(model, start, moments);
  device.check();
  const { gpu } = device;
  const network = createNetwork(device, model, recipe.batchSize, recipe);
  const { program, tensors } = network;
  const losses = createLosses(device, network);
  const rows = recipe.batchSize * model.positions;
  /** Moments as a state has them: all first ones, then all second ones. */
  const momentBuffers = Array.from({ length: moments }, (_, i) =>
    tensors.map((tensor) => ({ from: tensor.moments[i]!, values: tensor.size })),
  ).flat();
  let counter = 0;
  const load = (state: TrainState): void => {
    checkState(model, state, moments);
    write(device, network, state.weights);
    for (const [i, { from }] of momentBuffers.entries())
      gpu.queue.writeBuffer(from, 0, Int32Array.from(state.velocity[i]!));
    counter = state.counter;
  };
  load(start);
  return {
    async step(batch) {
      checkBatch(model, recipe, batch);
      device.check();
      gpu.queue.writeBuffer(network.inputs, 0, words(batch.inputs));
      gpu.queue.writeBuffer(network.goals, 0, goalsOf(model, recipe, batch));
      gpu.queue.writeBuffer(network.words, 0, stepWords(model, recipe, counter));
      const encoder = gpu.createCommandEncoder();
      program.encode(encoder);
      const staging = losses.copy(encoder);
      gpu.queue.submit([encoder.finish()]);
      counter++;
      return meanLoss(await losses.read(staging), rows);
    },
    async export() {
      const finished = counter;
      const weights = tensors.map(({ weight, size }) => ({ from: weight, values: size }));
      const all = await read(device, program, [...weights, ...momentBuffers]);
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
/** No product of a layer has more rows than this, which one dimension of its workgroups holds. */
const PREDICTED_ACTIVATIONS = MAX_WORKGROUPS * TILE;

/** Elements of a layer's largest buffer for one sample. */
const heldBy = (layer: Layer): number =>
  Math.max(volume(layer.output), layer.kind === 'attention' ? squareOf(layer, 1) : 0);

function predictedAtOnce(model: Model, count: number): number {
  const most = Math.max(model.inputSize, ...model.layers.map(heldBy));
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
  const perSample = model.positions * classes;
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
        { from: network.logits, values: atOnce * perSample },
        { from: network.exponents, first: network.logitExponent, values: atOnce },
      ]);
      for (let row = 0; row < Math.min(atOnce, count - first); row++) {
        // Of a sequence, what comes after it: the last position's.
        const end = (row + 1) * perSample;
        storePrediction(out, first + row, logits!.subarray(end - classes, end), exponents![row]!);
      }
    }
  } finally {
    program.close();
  }
  return out;
}
