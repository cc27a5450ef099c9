/** Builds a model in TensorFlow.js with seeded first weights, within bounds that hold before memory is taken. */
import { FedaiError } from '../../core/index.ts';
import { badTopology } from './errors.ts';
import { initialValues } from './initialisers.ts';
import type { LayersModel, LayerVariable, Library, SourceLayer, Tensor } from './library.ts';
import type { OutputForm } from './loss.ts';
import { TFJS_LIMITS, type Topology } from './topology.ts';

export interface Built {
  readonly model: LayersModel;
  /** Of one sample. */
  readonly inputShape: readonly number[];
  readonly inputSize: number;
  readonly output: OutputForm;
  readonly parameters: number;
  /** Outputs of all layers for one sample. */
  readonly activations: number;
  /** One for each of the model's weights, the same in every process. */
  readonly names: readonly string[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

const tooLarge = (what: string, got: number, expected: number): FedaiError =>
  new FedaiError(
    'BAD_MODEL',
    `the model has too many ${what}`,
    { got, expected: `<= ${expected}` },
    { remedy: 'use fewer units, filters or layers' },
  );

/** Classes are registered for the whole process: each model has its own. */
let models = 0;

/** Registers the class whose objects make the first weights; it counts them before they are made. */
function registerInitialiser({ core }: Library, { initialisers }: Topology, seed: number) {
  const className = `FedaiInitialiser${models++}`;
  let parameters = 0;
  let drawn = 0;
  class Seeded {
    static className = className;
    static fromConfig(_type: unknown, config: { place: number }): Seeded {
      return new Seeded(config.place);
    }
    readonly #place: number;
    constructor(place: number) {
      this.#place = place;
    }
    apply(shape: readonly number[]): Tensor {
      const size = sizeOf(shape);
      if (!Number.isSafeInteger(size) || size < 0) throw badTopology('document', 'a weight without a shape');
      parameters += size;
      if (parameters > TFJS_LIMITS.parameters)
        throw tooLarge('parameters', parameters, TFJS_LIMITS.parameters);
      const values = initialValues(initialisers[this.#place]!, shape, [seed, this.#place, drawn++]);
      return core.tensor(values, shape);
    }
    getConfig(): { place: number } {
      return { place: this.#place };
    }
    getClassName(): string {
      return className;
    }
  }
  core.serialization.registerClass(Seeded);
  return className;
}

function knownShape(shape: readonly (number | null)[], of: string): number[] {
  const sides = shape.slice(1);
  const isKnown = (side: number | null): side is number =>
    side !== null && Number.isSafeInteger(side) && side >= 1 && side <= TFJS_LIMITS.parameters;
  if (!sides.every(isKnown))
    throw new FedaiError(
      'BAD_MODEL',
      `the shape of the ${of} is not known`,
      { got: shape },
      { remedy: 'give batch_input_shape with a number for every dimension after the first' },
    );
  return sides;
}

function activationOf(layer: SourceLayer | undefined, depth = 0): string | undefined {
  if (!layer || depth > TFJS_LIMITS.depth) return undefined;
  if (layer.getClassName() === 'Softmax') return 'softmax';
  const inner = layer.outputs?.[0]?.sourceLayer ?? layer.layer;
  return inner ? activationOf(inner, depth + 1) : layer.activation?.getClassName();
}

/** Output of every layer for one sample; a shape that is not known counts nothing. */
function activationsOf({ layers }: LayersModel): number {
  const one = (shape: unknown): number => {
    if (!Array.isArray(shape)) return 0;
    if (Array.isArray(shape[0])) return shape.reduce((sum: number, each) => sum + one(each), 0);
    return sizeOf(shape.slice(1).map((side) => (typeof side === 'number' ? side : 1)));
  };
  return layers.reduce((sum, { outputShape }) => sum + one(outputShape), 0);
}

function namesOf(weights: readonly LayerVariable[]): string[] {
  const seen = new Map<string, number>();
  return weights.map(({ originalName }) => {
    const times = seen.get(originalName) ?? 0;
    seen.set(originalName, times + 1);
    return times === 0 ? originalName : `${originalName}_${times}`;
  });
}

/** TensorFlow.js says what it does not like in words of many kinds. */
function asRefusal(cause: unknown): FedaiError {
  if (cause instanceof FedaiError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new FedaiError(
    'BAD_MODEL',
    `TensorFlow.js refuses the model: ${message.slice(0, 500)}`,
    {},
    { cause, remedy: 'correct the layer JSON; Keras and TensorFlow.js write what is read here' },
  );
}

/** Throws `BAD_MODEL` or `UNSUPPORTED_TFJS`. The caller disposes of the model. */
export async function buildModel(library: Library, topology: Topology, seed: number): Promise<Built> {
  let model: LayersModel | undefined;
  try {
    const className = registerInitialiser(library, topology, seed);
    model = await library.layers.models.modelFromJSON(topology.seeded(className));
    return describe(model);
  } catch (cause) {
    if (model) disposeModel(model);
    throw asRefusal(cause);
  }
}

/** Weights within layers of layers are not freed with the model. */
export function disposeModel(model: LayersModel): void {
  const variables = model.weights.map((weight) => weight.read());
  model.dispose();
  for (const variable of variables) if (!variable.isDisposed) variable.dispose();
}

function describe(model: LayersModel): Built {
  if (model.inputs.length !== 1 || model.outputs.length !== 1)
    throw badTopology('document', 'a model with several inputs or outputs');
  const inputShape = knownShape(model.inputs[0]!.shape, 'input');
  const [output] = model.outputs;
  const outputShape = knownShape(output!.shape, 'output');
  const units = outputShape.at(-1) ?? 1;
  const activations = activationsOf(model);
  const most = TFJS_LIMITS.batchActivations;
  if (!(activations <= most)) throw tooLarge('activations', activations, most);
  const activation = activationOf(output!.sourceLayer) ?? 'linear';
  const inputSize = sizeOf(inputShape);
  return {
    model,
    inputShape,
    inputSize,
    output: {
      units,
      positions: sizeOf(outputShape) / units,
      isProbability: activation === 'softmax' || activation === 'sigmoid',
    },
    parameters: model.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    activations,
    names: namesOf(model.weights),
  };
}
