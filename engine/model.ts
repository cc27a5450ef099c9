/** Turns a model document into a checked plan, and checks recipes against it. Owns no arithmetic. */
import { canonicalJson, FedaiError } from '../core/index.ts';
import { FORMATS } from './arithmetic/format.ts';
import {
  type LayerDocument,
  LIMITS,
  type ModelDocument,
  modelSchema,
  recipeSchema,
  type TrainingRecipe,
} from './document.ts';
import { bad, type Cursor, type Node } from './plan/cursor.ts';
import { nodeOf, planLayer } from './plan/layer.ts';
import { type Layer, type Model, positionsOf, type Shape, type TensorSpec, volume } from './plan/types.ts';

export {
  type AttentionLayer,
  type AverageLayer,
  backwardTermsOf,
  type ConvLayer,
  type DenseLayer,
  type DropoutLayer,
  type EmbeddingLayer,
  type FlattenLayer,
  type Layer,
  type Model,
  type NormLayer,
  type PoolLayer,
  type PositionLayer,
  positionsOf,
  type ReluLayer,
  type Shape,
  type TensorSpec,
  termsOf,
  volume,
  type WeightedLayer,
} from './plan/types.ts';

/** Zod issues as one readable sentence with the path of the first. */
function firstIssue(issues: readonly { path: PropertyKey[]; message: string }[]): string {
  const issue = issues[0];
  return issue ? `${issue.path.map(String).join('.') || 'document'}: ${issue.message}` : 'unknown problem';
}

function asShape(dimensions: readonly number[]): Shape {
  const [a, b, c] = dimensions as [number, number?, number?];
  return b === undefined ? [1, 1, a] : c === undefined ? [a, b, 1] : [a, b, c];
}

/** Name of the model's own input in `from`. */
const INPUT = 'input';

/** Indices of the outputs that layer `index` takes; only layers before it can be named, so the graph has no cycle. */
function sourcesOf(doc: LayerDocument, index: number, names: Map<string, number>): number[] {
  if (!doc.from) return [index];
  return doc.from.map((name) => {
    const found = names.get(name);
    if (found === undefined)
      throw bad(
        index,
        'from names no layer before it',
        { got: name },
        'give that layer this name, and put it before',
      );
    return found;
  });
}

/** Gradients of this many layers are summed exactly in int32. */
const MAX_TAKERS = 16;

/** Every output must be used, or its layer would be trained on nothing. */
function checkUsed(layers: readonly Layer[]): void {
  const taken = layers.flatMap(({ from }) => from);
  const used = new Set(taken);
  for (const node of used) {
    const takers = taken.filter((one) => one === node).length;
    if (takers > MAX_TAKERS)
      throw bad(
        node - 1,
        'too many layers take its output',
        { got: takers, expected: MAX_TAKERS },
        'join them',
      );
  }
  const idle = layers.findIndex((_, index) => index < layers.length - 1 && !used.has(index + 1));
  if (idle >= 0)
    throw bad(idle, 'its output is not used', {}, 'name it in `from` of a later layer, or remove it');
}

function planLayers(document: ModelDocument): { layers: Layer[]; tensors: TensorSpec[] } {
  const format = FORMATS[document.numeric];
  const shape = asShape(document.input);
  const form = document.input.length === 1 ? 'vector' : 'image';
  const nodes: Node[] = [{ shape, form, bound: format.inputMax }];
  const names = new Map([[INPUT, 0]]);
  const tensors: TensorSpec[] = [];
  const layers = document.layers.map((doc, index) => {
    const from = sourcesOf(doc, index, names);
    const inputs = from.map((node) => nodes[node]!);
    const cursor: Cursor = {
      index,
      last: index === document.layers.length - 1,
      format,
      from,
      inputs,
      tensors,
    };
    const layer = planLayer(doc, cursor);
    if (volume(layer.output) > LIMITS.activations) {
      throw bad(
        index,
        'too many activations',
        { got: volume(layer.output), expected: `<= ${LIMITS.activations}` },
        'use fewer filters or a stride',
      );
    }
    nodes.push(nodeOf(doc, layer, cursor));
    if (doc.name !== undefined) {
      if (names.has(doc.name))
        throw bad(index, 'its name is taken', { name: doc.name }, 'choose another name');
      names.set(doc.name, index + 1);
    }
    return layer;
  });
  checkUsed(layers);
  return { layers, tensors };
}

/** Checks a model document and infers its shapes. Throws `BAD_MODEL` naming the layer and the remedy. */
export function parseModel(json: unknown): Model {
  const parsed = modelSchema.safeParse(json);
  if (!parsed.success) {
    throw new FedaiError(
      'BAD_MODEL',
      `not a model document: ${firstIssue(parsed.error.issues)}`,
      {},
      { remedy: 'see docs/protocol/arithmetic.md for the layers and their fields' },
    );
  }
  const document = parsed.data;
  const { layers, tensors } = planLayers(document);
  return finish(document, layers, tensors, volume(asShape(document.input)));
}

function finish(document: ModelDocument, layers: Layer[], tensors: TensorSpec[], inputSize: number): Model {
  const last = document.layers.at(-1)!;
  const plan = layers.at(-1)!;
  if (last.class_name !== 'Dense') {
    throw bad(
      layers.length - 1,
      'the last layer must be Dense',
      { got: last.class_name },
      'end with Dense and activation softmax',
    );
  }
  const positions = positionsOf(plan);
  if (positions > 1 && (positions !== inputSize || (positions & (positions - 1)) !== 0)) {
    const data = { positions, expected: 'a power of two, one for each input byte' };
    throw bad(layers.length - 1, 'unsupported length of sequence', data, 'change the length of the input');
  }
  const parameters = tensors.reduce((total, tensor) => total + tensor.size, 0);
  if (parameters > LIMITS.parameters || inputSize > LIMITS.activations) {
    throw new FedaiError(
      'BAD_MODEL',
      'model is too large',
      { parameters, inputSize, expected: `<= ${LIMITS.parameters} parameters` },
      { remedy: 'use fewer units or filters' },
    );
  }
  return {
    document,
    format: FORMATS[document.numeric],
    layers,
    tensors,
    inputSize,
    classes: plan.output[2],
    positions,
    head: last.config.activation === 'softmax' ? 'softmax' : 'linear',
    parameters,
  };
}

function badRecipe(message: string, data: Record<string, unknown>, remedy: string): FedaiError {
  return new FedaiError('BAD_RECIPE', message, data, { remedy });
}

/** Elements that a layer holds for one sample: its output, and of attention every share. */
const heldBy = (layer: Layer): number =>
  volume(layer.output) + (layer.kind === 'attention' ? layer.heads * layer.input[0] ** 2 : 0);

/** Checks a recipe against a model. Throws `BAD_RECIPE`. */
export function parseRecipe(json: unknown, model: Model): TrainingRecipe {
  const parsed = recipeSchema.safeParse(json);
  if (!parsed.success) {
    const remedy = 'see docs/protocol/arithmetic.md for the fields of a recipe';
    throw badRecipe(`not a training recipe: ${firstIssue(parsed.error.issues)}`, {}, remedy);
  }
  const recipe = parsed.data;
  const { batchSize } = recipe;
  const positions = batchSize * Math.max(...model.layers.map(positionsOf));
  const activations = batchSize * model.layers.reduce((total, layer) => total + heldBy(layer), 0);
  if (positions > LIMITS.positions || activations > LIMITS.batchActivations) {
    const expected = `<= ${LIMITS.positions} positions, ${LIMITS.batchActivations} activations`;
    throw badRecipe(
      'a batch is too large for this model',
      { positions, activations, expected },
      'use a smaller batchSize',
    );
  }
  checkLoss(recipe, model);
  return recipe;
}

function checkLoss(recipe: TrainingRecipe, model: Model): void {
  const squared = recipe.loss === 'mean_squared_error';
  if (squared !== (model.head === 'linear')) {
    const data = { loss: recipe.loss, activation: model.head };
    const remedy = 'softmax goes with sparse_categorical_crossentropy, linear with mean_squared_error';
    throw badRecipe('loss and the last activation do not belong together', data, remedy);
  }
  if (!squared) {
    if (recipe.target !== undefined)
      throw badRecipe('only mean_squared_error has a target', {}, 'remove target');
    return;
  }
  const target = recipe.target ?? 'label';
  const units = { label: 1, one_hot: model.classes, input: model.inputSize }[target];
  if (units !== model.classes || model.positions > 1) {
    const data = { target, got: model.classes, expected: units };
    throw badRecipe(
      'target and units do not belong together',
      data,
      'change target or units of the last Dense',
    );
  }
}

/** Canonical bytes of a model document, the first leaf of its model hash. */
export const modelBytes = (model: Model): Uint8Array => canonicalJson(model.document);
