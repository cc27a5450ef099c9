/** One training run in TensorFlow.js: a model, its optimiser and how many steps it has behind it. Owns no files. */
import { FedaiError } from '../../core/index.ts';
import type { Batch } from '../engine.ts';
import { type Built, buildModel, disposeModel } from './build.ts';
import type { Named } from './checkpoint.ts';
import { createKeeper } from './keeper.ts';
import type { LayerVariable, Library, Tensor } from './library.ts';
import { checkOutput, classesOf, lossOf, targetOf } from './loss.ts';
import { createOptimiser } from './optimiser.ts';
import { randomOf, withRandom } from './random.ts';
import type { FloatRecipe } from './recipe.ts';
import { TFJS_LIMITS, type Topology } from './topology.ts';

export interface TfjsSession {
  readonly inputShape: readonly number[];
  readonly inputSize: number;
  /** Classes that labels may have. */
  readonly classes: number;
  readonly parameters: number;
  /** Finished steps. */
  readonly counter: number;
  /** Mean loss of the batch, in nats where it is a cross-entropy. Throws `BAD_BATCH`, `DIVERGED`. */
  step(batch: Batch): Promise<number>;
  /** Class of each sample (of a sequence: after its end); undefined where the loss knows no classes. */
  classify(inputs: Uint8Array, count: number): Promise<Int32Array | undefined>;
  weights(): Promise<Named[]>;
  /** Weights from a safetensors file of floats, found by the names of `weights()`. Throws `BAD_MODEL_FILE`. */
  start(file: Uint8Array): void;
  /** A file of `fedai-tfjs-checkpoint/1`. */
  save(backend: string): Promise<Uint8Array>;
  /** Goes on from a checkpoint of the same model. Throws `BAD_CHECKPOINT`. */
  restore(bytes: Uint8Array): { readonly counter: number; readonly backend: string };
  dispose(): void;
}

export interface SessionOptions {
  readonly topology: Topology;
  readonly recipe: FloatRecipe;
  readonly seed: number;
}

const diverged = (step: number): FedaiError =>
  new FedaiError(
    'DIVERGED',
    'the loss is not a number any more',
    { step },
    { remedy: 'use a smaller learning rate, or clipnorm' },
  );

/** Apart from the draws of first weights. */
const STEP_DRAWS = 0x57e9;

/** Throws `BAD_MODEL`, `BAD_RECIPE`, `UNSUPPORTED_TFJS`. */
export async function createSession(library: Library, options: SessionOptions): Promise<TfjsSession> {
  const { recipe } = options;
  const built = await buildModel(library, options.topology, options.seed);
  try {
    checkOutput(built.output, recipe, built.inputSize);
    checkMemory(built, recipe);
    return sessionOf(library, built, options);
  } catch (error) {
    disposeModel(built.model);
    throw error;
  }
}

function checkMemory({ activations, output }: Built, { batchSize }: FloatRecipe): void {
  const got = activations * batchSize;
  const [most, classes] = [TFJS_LIMITS.batchActivations, TFJS_LIMITS.classes];
  if (got <= most && output.units <= classes) return;
  throw new FedaiError(
    'BAD_RECIPE',
    'a batch is too large for this model',
    { activations: got, classes: output.units, expected: `<= ${most} activations, ${classes} classes` },
    { remedy: 'use a smaller batchSize or a smaller model' },
  );
}

const misfit = (what: string, data: Record<string, unknown>, remedy: string): FedaiError =>
  new FedaiError('BAD_BATCH', `the batch does not fit the model: ${what}`, data, { remedy });

/** Inputs are rows of a table or, in a sequence that is predicted, classes: backends would read something else in silence. */
function checkBatch(built: Built, { topology, recipe }: SessionOptions, { inputs, labels }: Batch): void {
  const { inputSize, output } = built;
  if (inputs.length !== labels.length * inputSize) {
    const data = { got: inputs.length, expected: labels.length * inputSize };
    throw misfit('bytes', data, 'give the model the input shape of the data set');
  }
  const classes = classesOf(output, recipe);
  const limit = Math.min(topology.vocabulary ?? 256, output.positions > 1 ? classes : 256);
  const [input, label] = [inputs.find((one) => one >= limit), labels.find((one) => one >= classes)];
  if (input !== undefined)
    throw misfit(
      'an input byte is beyond its vocabulary',
      { got: input, expected: `< ${limit}` },
      'raise input_dim of the Embedding and units of the last layer to the vocabulary of the data',
    );
  if (label !== undefined)
    throw misfit(
      'a label is no class of it',
      { got: label, expected: `< ${classes}` },
      'give the last layer as many units as the data has classes',
    );
}

function sessionOf(library: Library, built: Built, options: SessionOptions): TfjsSession {
  const { topology, recipe, seed } = options;
  const { core } = library;
  const { model, output, inputShape, names } = built;
  const trained = model.trainableWeights;
  const nameOf = (weight: LayerVariable): string => names[model.weights.indexOf(weight)]!;
  const optimiser = createOptimiser(core, trained, trained.map(nameOf), recipe);
  const keeper = createKeeper(core, built, optimiser);
  let counter = 0;

  const inputOf = (inputs: Uint8Array, count: number): Tensor => {
    const scale = topology.vocabulary === undefined ? 1 / 256 : 1;
    return core.tensor(
      Float32Array.from(inputs, (byte) => byte * scale),
      [count, ...inputShape],
    );
  };
  function train(batch: Batch): Tensor {
    const x = inputOf(batch.inputs, batch.labels.length);
    const target = targetOf(core, output, recipe, batch.inputs, batch.labels);
    const variables = trained.map((weight) => weight.read());
    const { value, grads } = core.variableGrads(() => {
      const loss = lossOf(core, output, recipe, model.apply(x, { training: true }), target);
      return model.calculateLosses().reduce((sum, one) => core.add(sum, one), loss);
    }, variables);
    optimiser.update(
      variables.map(({ name }) => grads[name]),
      counter,
    );
    return value;
  }
  return {
    inputShape,
    inputSize: built.inputSize,
    classes: classesOf(output, recipe),
    parameters: built.parameters,
    get counter() {
      return counter;
    },
    async step(batch) {
      checkBatch(built, options, batch);
      const value = withRandom(randomOf(seed, STEP_DRAWS, counter), () => core.tidy(() => train(batch)));
      const [loss] = await value.data();
      value.dispose();
      counter++;
      if (loss !== undefined && Number.isFinite(loss)) return loss;
      throw diverged(counter);
    },
    async classify(inputs, count) {
      if (recipe.loss === 'mean_squared_error' && recipe.target !== 'one_hot') return undefined;
      const scores = core.tidy(() => model.apply(inputOf(inputs, count), { training: false }));
      const values = await scores.data();
      scores.dispose();
      return classesIn(values, built, count);
    },
    weights: keeper.weights,
    start: keeper.start,
    save: (backend) => keeper.save(counter, backend),
    restore(bytes) {
      const found = keeper.restore(bytes);
      counter = found.counter;
      return found;
    },
    dispose() {
      optimiser.dispose();
      disposeModel(model);
    },
  };
}

/** The largest output of each sample's last position, the first of equals; of a single unit, whether it is above its middle. */
function classesIn(values: ArrayLike<number>, { output }: Built, count: number): Int32Array {
  const { positions, units, isProbability } = output;
  return Int32Array.from({ length: count }, (_, sample) => {
    const at = ((sample + 1) * positions - 1) * units;
    if (units === 1) return values[at]! > (isProbability ? 0.5 : 0) ? 1 : 0;
    let best = 0;
    for (let unit = 1; unit < units; unit++) if (values[at + unit]! > values[at + best]!) best = unit;
    return best;
  });
}
