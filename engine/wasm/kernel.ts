/** The WebAssembly kernel: training sessions and prediction on SIMD tiles, bit for bit what the reference gives. */

import type { TrainingRecipe } from '../document.ts';
import { checkBatch, checkInputs, type Kernel, type Predictions, type Trainer } from '../engine.ts';
import type { Model } from '../model.ts';
import { meanLoss, storePrediction } from '../reference/kernel.ts';
import { momentsOf } from '../reference/optimiser.ts';
import { checkState, checkWeights, type TrainState } from '../state/state.ts';
import { loadModule } from './machine.ts';
import { createNetwork, type Modules } from './network.ts';
import { updateTensors } from './optimiser.ts';
import { loadRelaxed } from './relaxed.ts';

function createTrainer(
  modules: Modules,
  model: Model,
  recipe: TrainingRecipe,
  start: TrainState,
  threads: number,
): Trainer {
  checkState(model, start, momentsOf(recipe));
  const network = createNetwork(modules, model, recipe.batchSize, recipe, threads);
  const { step } = network.context;
  const size = recipe.batchSize * model.positions;
  step.counter = start.counter;
  network.write(start.weights, start.velocity);
  return {
    step(batch) {
      checkBatch(model, recipe, batch);
      network.prepare();
      network.forward(batch.inputs, recipe.batchSize);
      const loss = network.backward(batch);
      updateTensors(network.context, recipe, size);
      network.settle();
      step.counter++;
      return meanLoss(loss, size);
    },
    export: () => ({
      counter: step.counter,
      weights: network.readWeights(),
      velocity: network.readVelocity(),
    }),
    load(next) {
      checkState(model, next, momentsOf(recipe));
      network.write(next.weights, next.velocity);
      step.counter = next.counter;
    },
  };
}

function predict(
  modules: Modules,
  model: Model,
  weights: readonly Int32Array[],
  inputs: Uint8Array,
  count: number,
): Predictions {
  checkWeights(model, weights);
  checkInputs(model, inputs, count);
  const network = createNetwork(modules, model, 1);
  network.write(weights);
  network.prepare();
  // Of a sequence, what comes after it: the last position's.
  const last = network.logits.subarray((model.positions - 1) * network.logitPitch);
  const out = { classes: new Uint16Array(count), logitsQ16: new Int32Array(count * model.classes) };
  for (let row = 0; row < count; row++) {
    network.forward(inputs.subarray(row * model.inputSize, (row + 1) * model.inputSize), 1);
    storePrediction(out, row, last, network.logitExponent());
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
    return ({ format }: Model): Modules => ({ products: format.name === 'bfp8@1' ? fast : plain, plain });
  };
  const modulesOf = await load(false);
  const trainingModulesOf = threads > 1 ? await load(true) : modulesOf;
  return {
    name: 'wasm',
    trainer: (model, recipe, state) => createTrainer(trainingModulesOf(model), model, recipe, state, threads),
    predict: (model, weights, inputs, count) => predict(modulesOf(model), model, weights, inputs, count),
  };
}
