/** Turns a model document into a checked plan: shapes, tensors and operand bounds of every layer. Owns no arithmetic. */
import { canonicalJson, FedaiError } from '../core/index.ts';
import { FORMATS, type FormatSpec, largest } from './arithmetic/format.ts';
import {
  type LayerDocument,
  LIMITS,
  type ModelDocument,
  modelSchema,
  recipeSchema,
  type TrainingRecipe,
} from './document.ts';

export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
}

/** Height, width, channels; vectors are [1, 1, n]. */
export type Shape = readonly [number, number, number];

interface Common {
  readonly input: Shape;
  readonly output: Shape;
  /** Largest magnitude of an input mantissa: the format's, which is smaller while the tensor is still the raw input. */
  readonly inputBound: number;
}
export interface WeightedLayer extends Common {
  readonly relu: boolean;
  /** Index of the kernel tensor in `Model.tensors`. */
  readonly kernel: number;
  /** Index of the bias tensor, or −1. */
  readonly bias: number;
}
export interface DenseLayer extends WeightedLayer {
  readonly kind: 'dense';
}
export interface ConvLayer extends WeightedLayer {
  readonly kind: 'conv2d';
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  /** Zero rows above and zero columns to the left of the input. */
  readonly before: readonly [number, number];
}
export interface PoolLayer extends Common {
  readonly kind: 'pool';
  readonly size: readonly [number, number];
}
export interface ReluLayer extends Common {
  readonly kind: 'relu';
}
export interface FlattenLayer extends Common {
  readonly kind: 'flatten';
}
export type Layer = DenseLayer | ConvLayer | PoolLayer | ReluLayer | FlattenLayer;

export interface Model {
  readonly document: ModelDocument;
  readonly format: FormatSpec;
  readonly layers: readonly Layer[];
  /** Kernel and bias of each weighted layer, in layer order; kernels are [in, units] or [h, w, in, filters]. */
  readonly tensors: readonly TensorSpec[];
  readonly inputSize: number;
  readonly classes: number;
  readonly parameters: number;
}

export const volume = (shape: Shape): number => shape[0] * shape[1] * shape[2];

/** Number of output positions of a layer: the rows of its matrix product for one sample. */
export const positionsOf = (layer: Layer): number => layer.output[0] * layer.output[1];

/** Terms of one sum of the forward product. */
export const termsOf = (layer: DenseLayer | ConvLayer): number =>
  layer.kind === 'dense' ? volume(layer.input) : layer.size[0] * layer.size[1] * layer.input[2];

/** Terms of one sum of the product that gives the input's gradient. */
export const backwardTermsOf = (layer: DenseLayer | ConvLayer): number =>
  layer.kind === 'dense' ? layer.output[2] : layer.size[0] * layer.size[1] * layer.output[2];

function bad(index: number, message: string, data: Record<string, unknown>, remedy: string): FedaiError {
  return new FedaiError('BAD_MODEL', `layer ${index}: ${message}`, { layer: index, ...data }, { remedy });
}

/** Zod issues as one readable sentence with the path of the first. */
function firstIssue(issues: readonly { path: PropertyKey[]; message: string }[]): string {
  const issue = issues[0];
  return issue ? `${issue.path.map(String).join('.') || 'document'}: ${issue.message}` : 'unknown problem';
}

function asShape(dimensions: readonly number[]): Shape {
  const [a, b, c] = dimensions as [number, number?, number?];
  return b === undefined ? [1, 1, a] : c === undefined ? [a, b, 1] : [a, b, c];
}

interface Cursor {
  shape: Shape;
  flat: boolean;
  bound: number;
  tensors: TensorSpec[];
}

function addTensor(cursor: Cursor, name: string, shape: number[]): number {
  const size = shape.reduce((a, b) => a * b, 1);
  cursor.tensors.push({ name, shape, size });
  return cursor.tensors.length - 1;
}

/** Output length and zero padding before the input, as TensorFlow defines `same` and `valid`. */
function convAxis(
  input: number,
  kernel: number,
  stride: number,
  same: boolean,
): [output: number, before: number] {
  if (!same) return [Math.floor((input - kernel) / stride) + 1, 0];
  const output = Math.ceil(input / stride);
  const total = Math.max(0, (output - 1) * stride + kernel - input);
  return [output, Math.floor(total / 2)];
}

function planConv(
  doc: Extract<LayerDocument, { class_name: 'Conv2D' }>,
  index: number,
  cursor: Cursor,
): ConvLayer {
  const { filters, kernel_size: size, strides, padding, activation, use_bias } = doc.config;
  if (cursor.flat)
    throw bad(
      index,
      'Conv2D needs height, width and channels',
      { shape: cursor.shape },
      'move it before Flatten',
    );
  if (activation === 'softmax')
    throw bad(index, 'softmax belongs to the last Dense', {}, 'use relu or linear');
  const stride = strides ?? [1, 1];
  const [height, top] = convAxis(cursor.shape[0], size[0], stride[0], padding === 'same');
  const [width, left] = convAxis(cursor.shape[1], size[1], stride[1], padding === 'same');
  if (height < 1 || width < 1) {
    throw bad(
      index,
      'kernel is larger than its input',
      { kernel: size, input: cursor.shape },
      'shrink kernel_size or use padding same',
    );
  }
  const kernel = addTensor(cursor, `layers.${index}.kernel`, [...size, cursor.shape[2], filters]);
  const bias = use_bias ? addTensor(cursor, `layers.${index}.bias`, [filters]) : -1;
  const common = { input: cursor.shape, output: [height, width, filters] as const, inputBound: cursor.bound };
  return {
    kind: 'conv2d',
    ...common,
    relu: activation === 'relu',
    kernel,
    bias,
    size,
    stride,
    before: [top, left],
  };
}

function planDense(
  doc: Extract<LayerDocument, { class_name: 'Dense' }>,
  index: number,
  last: boolean,
  cursor: Cursor,
): DenseLayer {
  const { units, activation, use_bias } = doc.config;
  if (!cursor.flat)
    throw bad(index, 'Dense needs a vector', { shape: cursor.shape }, 'put a Flatten layer before it');
  if (last !== (activation === 'softmax')) {
    throw bad(
      index,
      last ? 'the last Dense gives the classes' : 'softmax belongs to the last Dense',
      { activation },
      last ? 'set its activation to softmax' : 'use relu or linear',
    );
  }
  if (last && (units < 2 || units > LIMITS.classes)) {
    throw bad(
      index,
      'unsupported number of classes',
      { got: units, expected: `2 to ${LIMITS.classes}` },
      'change units',
    );
  }
  const kernel = addTensor(cursor, `layers.${index}.kernel`, [volume(cursor.shape), units]);
  const bias = use_bias ? addTensor(cursor, `layers.${index}.bias`, [units]) : -1;
  const common = { input: cursor.shape, output: [1, 1, units] as const, inputBound: cursor.bound };
  return { kind: 'dense', ...common, relu: activation === 'relu', kernel, bias };
}

function planPool(
  doc: Extract<LayerDocument, { class_name: 'MaxPooling2D' }>,
  index: number,
  cursor: Cursor,
): PoolLayer {
  const { pool_size: size } = doc.config;
  if (cursor.flat)
    throw bad(
      index,
      'MaxPooling2D needs height, width and channels',
      { shape: cursor.shape },
      'move it before Flatten',
    );
  const output = [
    Math.floor(cursor.shape[0] / size[0]),
    Math.floor(cursor.shape[1] / size[1]),
    cursor.shape[2],
  ] as const;
  if (volume(output) === 0)
    throw bad(
      index,
      'pool is larger than its input',
      { pool: size, input: cursor.shape },
      'shrink pool_size',
    );
  return { kind: 'pool', input: cursor.shape, output, inputBound: cursor.bound, size };
}

function planLayer(doc: LayerDocument, index: number, last: boolean, cursor: Cursor): Layer {
  const common = { input: cursor.shape, inputBound: cursor.bound };
  switch (doc.class_name) {
    case 'Conv2D':
      return planConv(doc, index, cursor);
    case 'Dense':
      return planDense(doc, index, last, cursor);
    case 'MaxPooling2D':
      return planPool(doc, index, cursor);
    case 'ReLU':
      return { kind: 'relu', ...common, output: cursor.shape };
    case 'Flatten':
      return { kind: 'flatten', ...common, output: [1, 1, volume(cursor.shape)] };
  }
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
  const format = FORMATS[document.numeric];
  const shape = asShape(document.input);
  const cursor: Cursor = { shape, flat: document.input.length === 1, bound: format.inputMax, tensors: [] };
  const layers = document.layers.map((doc, index) => {
    const layer = planLayer(doc, index, index === document.layers.length - 1, cursor);
    if (volume(layer.output) > LIMITS.activations) {
      throw bad(
        index,
        'too many activations',
        { got: volume(layer.output), expected: `<= ${LIMITS.activations}` },
        'use fewer filters or a stride',
      );
    }
    cursor.shape = layer.output;
    cursor.flat ||= layer.kind === 'flatten';
    if (layer.kind === 'dense' || layer.kind === 'conv2d') cursor.bound = largest(format.activationBits);
    return layer;
  });
  return finish(document, layers, cursor.tensors, volume(shape));
}

function finish(document: ModelDocument, layers: Layer[], tensors: TensorSpec[], inputSize: number): Model {
  const last = layers.at(-1)!;
  if (last.kind !== 'dense') {
    throw bad(
      layers.length - 1,
      'the last layer must be Dense',
      { got: last.kind },
      'end with Dense and activation softmax',
    );
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
    classes: last.output[2],
    parameters,
  };
}

/** Checks a recipe against a model. Throws `BAD_RECIPE`. */
export function parseRecipe(json: unknown, model: Model): TrainingRecipe {
  const parsed = recipeSchema.safeParse(json);
  if (!parsed.success) {
    throw new FedaiError(
      'BAD_RECIPE',
      `not a training recipe: ${firstIssue(parsed.error.issues)}`,
      {},
      { remedy: 'see docs/protocol/arithmetic.md for the fields of a recipe' },
    );
  }
  const recipe = parsed.data;
  const { batchSize } = recipe;
  const positions = batchSize * Math.max(...model.layers.map(positionsOf));
  const activations = batchSize * model.layers.reduce((total, layer) => total + volume(layer.output), 0);
  if (positions > LIMITS.positions || activations > LIMITS.batchActivations) {
    const expected = `<= ${LIMITS.positions} positions, ${LIMITS.batchActivations} activations`;
    throw new FedaiError(
      'BAD_RECIPE',
      'a batch is too large for this model',
      { positions, activations, expected },
      { remedy: 'use a smaller batchSize' },
    );
  }
  return recipe;
}

/** Canonical bytes of a model document, the first leaf of its model hash. */
export const modelBytes = (model: Model): Uint8Array => canonicalJson(model.document);
