/** Parts of an ONNX graph under construction: tensors, nodes and their attributes. */
import { concatBytes } from '../../core/index.ts';
import type { Model } from '../model.ts';
import { field } from './protobuf.ts';

export const FLOAT = 1;
export const INT64 = 7;
const SCALE = 16_777_216;

export const attribute = (name: string, value: number | readonly number[]): Uint8Array =>
  typeof value === 'number'
    ? concatBytes(field(1, name), field(3, value), field(20, 2))
    : concatBytes(field(1, name), ...value.map((one) => field(8, one)), field(20, 7));

export function floatAttribute(name: string, value: number): Uint8Array {
  const bytes = new Uint8Array(5);
  // Field 2 of wire type 5.
  bytes[0] = 0x15;
  new DataView(bytes.buffer).setFloat32(1, value, true);
  return concatBytes(field(1, name), bytes, field(20, 1));
}

/** How a value lies: [batch, n], [batch, channels, height, width] or [batch, positions, channels]. */
export type Form = 'vector' | 'image' | 'sequence';

export interface Draft {
  readonly model: Model;
  readonly weights: readonly Int32Array[];
  readonly parts: Uint8Array[];
  /** Output of each of the model's nodes, in ONNX's order of axes. */
  readonly names: string[];
  readonly forms: Form[];
  /** Of the operators so far. */
  opset: number;
}

export function addTensor(
  { model, weights, parts }: Draft,
  index: number,
  order?: { dims: number[]; at(i: number): number },
): string {
  const { name, shape, size } = model.tensors[index]!;
  const raw = new Uint8Array(4 * size);
  const view = new DataView(raw.buffer);
  for (let i = 0; i < size; i++)
    view.setFloat32(4 * i, weights[index]![order ? order.at(i) : i]! / SCALE, true);
  const dims = (order?.dims ?? shape).map((side) => field(1, side));
  parts.push(field(5, concatBytes(...dims, field(2, FLOAT), field(8, name), field(9, raw))));
  return name;
}

export function addNode(
  { parts }: Draft,
  type: string,
  inputs: readonly string[],
  output: string | readonly string[],
  attributes: readonly Uint8Array[] = [],
): string {
  const outputs = typeof output === 'string' ? [output] : output;
  const body = [
    ...inputs.map((input) => field(1, input)),
    ...outputs.map((one) => field(2, one)),
    field(3, outputs[0]!),
    field(4, type),
    ...attributes.map((one) => field(5, one)),
  ];
  parts.push(field(1, concatBytes(...body)));
  return outputs[0]!;
}
