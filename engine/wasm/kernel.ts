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
): Trainer {
  checkState(model, start);
  const network = createNetwork(module, model, recipe.batchSize, true);
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

/**
 * Compiles the kernels; rejects where WebAssembly SIMD is missing. `bfp8@1` runs on relaxed SIMD where that passes its
 * known answers and `relaxed` is not false, else on the plain kernels, with the same bits.
 */
export async function loadWasmKernel(options: { relaxed?: boolean } = {}): Promise<Kernel> {
  const plain = await loadModule();
  const relaxed = options.relaxed === false ? undefined : (await loadRelaxed()).module;
  const moduleOf = ({ format }: Model) => (format.name === 'bfp8@1' && relaxed ? relaxed : plain);
  return {
    name: 'wasm',
    trainer: (model, recipe, state) => createTrainer(moduleOf(model), model, recipe, state),
    predict: (model, weights, inputs, count) => predict(moduleOf(model), model, weights, inputs, count),
  };
}
