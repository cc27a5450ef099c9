/** What planning a layer needs to know of its inputs, and the errors it gives. */
import { FedaiError } from '../../core/index.ts';
import { type FormatSpec, largest } from '../arithmetic/format.ts';
import type { Shape, TensorSpec } from './types.ts';

/** An output that a layer may take. */
export interface Node {
  readonly shape: Shape;
  /** Images have height, width and channels; sequences are positions × 1 × channels. */
  readonly form: 'vector' | 'image' | 'sequence';
  /** Largest magnitude of a mantissa. */
  readonly bound: number;
}

export interface Cursor {
  readonly index: number;
  readonly last: boolean;
  readonly format: FormatSpec;
  readonly from: readonly number[];
  /** The outputs that the layer takes, at least one. */
  readonly inputs: readonly Node[];
  readonly tensors: TensorSpec[];
}

export const firstOf = (cursor: Cursor): Node => cursor.inputs[0]!;

export const mantissaBound = (cursor: Cursor): number => largest(cursor.format.activationBits);

/** `role` is the tensor's name within its layer. Returns its index. */
export function addTensor(
  { index, tensors }: Cursor,
  role: string,
  shape: number[],
  more: Pick<TensorSpec, 'constant' | 'fanIn' | 'statistic'> = {},
): number {
  const size = shape.reduce((a, b) => a * b, 1);
  tensors.push({ name: `layers.${index}.${role}`, shape, size, ...more });
  return tensors.length - 1;
}

export function bad(
  index: number,
  message: string,
  data: Record<string, unknown>,
  remedy: string,
): FedaiError {
  return new FedaiError('BAD_MODEL', `layer ${index}: ${message}`, { layer: index, ...data }, { remedy });
}

export const commonOf = (cursor: Cursor) => ({
  from: cursor.from,
  input: firstOf(cursor).shape,
  inputBound: firstOf(cursor).bound,
});
