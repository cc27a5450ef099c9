/** The WebAssembly kernel: training sessions and prediction on SIMD tiles, bit for bit what the reference gives. */

import type { TrainingRecipe } from '../document.ts';
import { checkBatch, checkInputs, type Kernel, type Predictions, type Trainer } from '../engine.ts';
import type { Model } from '../model.ts';
import { meanLoss, storePrediction } from '../reference/kernel.ts';
import { checkState, checkWeights, type TrainState } from '../state/state.ts';
import { loadModule } from './machine.ts';
import { createNetwork } from './network.ts';
import { loadRelaxed } from './relaxed.ts';
import { updateTensors } from './stage.ts';

function createTrainer(
  module: WebAssembly.Module,
  model: Model,
  recipe: TrainingRecipe,
  start: TrainState,
  threads: number,
): Trainer {
  checkState(model, start);
  const network = createNetwork(module, model, recipe.batchSize, true, threads);
  let counter = start.counter;
  network.write(start.weights, start.velocity);
  return {
    step(batch) {
      checkBatch(model, recipe, batch);
      network.prepare();
      network.forward(batch.inputs, recipe.batchSize);
      const loss = network.backward(batch.labels);
      updateTensors(network.context, recipe, counter);
      counter++;
      return meanLoss(loss, recipe.batchSize);
    },
    export: () => ({ counter, weights: network.readWeights(), velocity: network.readVelocity() }),
    load(next) {
      checkState(model, next);
      network.write(next.weights, next.velocity);
      counter = next.counter;
    },
  };
}

function predict(
  module: WebAssembly.Module,
  model: Model,
  weights: readonly Int32Array[],
  inputs: Uint8Array,
  count: number,
): Predictions {
  checkWeights(model, weights);
  checkInputs(model, inputs, count);
  const network = createNetwork(module, model, 1, false);
  network.write(weights);
  network.prepare();
  const out = { classes: new Uint16Array(count), logitsQ16: new Int32Array(count * model.classes) };
  for (let row = 0; row < count; row++) {
    network.forward(inputs.subarray(row * model.inputSize, (row + 1) * model.inputSize), 1);
    storePrediction(out, row, network.logits, network.logitExponent());
  }
  return out;
}

export interface WasmOptions {
  /** False: `bfp8@1` runs on the plain kernels too. */
  relaxed?: boolean;
  /** Threads of a training session; Node only. */
  threads?: number;
}

/**
 * Compiles the kernels; rejects where WebAssembly SIMD is missing. `bfp8@1` runs on relaxed SIMD where that passes its
 * known answers, else on the plain kernels, with the same bits. Prediction takes one sample at a time, on one thread.
 */
export async function loadWasmKernel({ relaxed, threads = 1 }: WasmOptions = {}): Promise<Kernel> {
  const useRelaxed = relaxed !== false && (await loadRelaxed()).module !== undefined;
  const load = async (shared: boolean) => {
    const plain = await loadModule(shared ? 'sharedPlain' : 'plain');
    const fast = useRelaxed ? await loadModule(shared ? 'sharedRelaxed' : 'relaxed') : plain;
    return ({ format }: Model): WebAssembly.Module => (format.name === 'bfp8@1' ? fast : plain);
  };
  const moduleOf = await load(false);
  const trainingModuleOf = threads > 1 ? await load(true) : moduleOf;
  return {
    name: 'wasm',
    trainer: (model, recipe, state) => createTrainer(trainingModuleOf(model), model, recipe, state, threads),
    predict: (model, weights, inputs, count) => predict(moduleOf(model), model, weights, inputs, count),
  };
}
