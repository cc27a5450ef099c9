/** The plan of a model: layers with their shapes, operand bounds and tensors. Owns no arithmetic and no checking. */
import type { FormatSpec } from '../arithmetic/format.ts';
import type { ModelDocument } from '../document.ts';

export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  /** First value of every element; absent where it is drawn. */
  readonly constant?: number;
  /** Terms that the draw's bound is for; absent: size by the last dimension. */
  readonly fanIn?: number;
  /** A statistic moves by its layer's rule, not by the optimiser. */
  readonly statistic?: true;
}

/** Height, width, channels; vectors are [1, 1, n]. */
export type Shape = readonly [number, number, number];

export interface Common {
  /** Whose outputs the layer takes: 0 is the model's input, i + 1 layer i. */
  readonly from: readonly number[];
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
  /** Filters and channels fall into this many groups that do not meet. */
  readonly groups: number;
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
/** Means over disjoint windows. */
export interface AverageLayer extends Common {
  readonly kind: 'average';
  readonly size: readonly [number, number];
}
export interface GeluLayer extends Common {
  readonly kind: 'gelu';
}
/** Sum of two to eight outputs. */
export interface AddLayer extends Common {
  readonly kind: 'add';
}
export interface DropoutLayer extends Common {
  readonly kind: 'dropout';
  /** Place in the model, which its masks depend on. */
  readonly index: number;
  readonly rateQ8: number;
}
export interface NormLayer extends Common {
  /** Over the channels of each position, or over batch and positions of each channel. */
  readonly kind: 'layerNorm' | 'batchNorm';
  readonly gamma: number;
  readonly beta: number;
  /** Moving mean; the moving variance is the tensor after it. −1 for layer normalisation. */
  readonly mean: number;
  readonly epsilonShift: number;
  readonly momentumShift: number;
}
/** Rows of a table, one for each input byte. */
export interface EmbeddingLayer extends Common {
  readonly kind: 'embedding';
  readonly table: number;
  readonly rows: number;
}
/** Adds a learned row to each position. */
export interface PositionLayer extends Common {
  readonly kind: 'position';
  readonly table: number;
}
/** Scaled dot-product attention over queries, keys and values that lie side by side in the channels. */
export interface AttentionLayer extends Common {
  readonly kind: 'attention';
  readonly heads: number;
  readonly causal: boolean;
}
export type Layer =
  | DenseLayer
  | ConvLayer
  | PoolLayer
  | ReluLayer
  | FlattenLayer
  | AverageLayer
  | GeluLayer
  | AddLayer
  | DropoutLayer
  | NormLayer
  | EmbeddingLayer
  | PositionLayer
  | AttentionLayer;

export interface Model {
  readonly document: ModelDocument;
  readonly format: FormatSpec;
  readonly layers: readonly Layer[];
  /** Kernel and bias of each weighted layer, in layer order; kernels are [in, units] or [h, w, in, filters]. */
  readonly tensors: readonly TensorSpec[];
  readonly inputSize: number;
  /** Units of the last Dense. */
  readonly classes: number;
  /** Logit vectors of one sample: 1, or the length of a sequence whose every next token is predicted. */
  readonly positions: number;
  /** What the last Dense gives. */
  readonly head: 'softmax' | 'linear';
  readonly parameters: number;
}

export const volume = (shape: Shape): number => shape[0] * shape[1] * shape[2];

/** Number of output positions of a layer: the rows of its matrix product for one sample. */
export const positionsOf = (layer: Layer): number => layer.output[0] * layer.output[1];

/** Terms of one sum of the forward product. */
export const termsOf = (layer: DenseLayer | ConvLayer): number =>
  layer.kind === 'dense'
    ? volume(layer.input)
    : (layer.size[0] * layer.size[1] * layer.input[2]) / layer.groups;

/** Terms of one sum of the product that gives the input's gradient. */
export const backwardTermsOf = (layer: DenseLayer | ConvLayer): number =>
  layer.kind === 'dense' ? layer.output[2] : (layer.size[0] * layer.size[1] * layer.output[2]) / layer.groups;
