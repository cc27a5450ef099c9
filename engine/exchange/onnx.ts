/** The parts of an ONNX file that a forward graph is made of, checked for size and sense. Knows no operator. */
import { FedaiError } from '../../core/index.ts';
import { LIMITS } from '../document.ts';
import { type Field, fieldsOf, varintsOf } from './protobuf.ts';

/** Weights as f32, and again as much for what surrounds them. */
export const MAX_ONNX_BYTES = 8 * LIMITS.parameters;
const MAX_NODES = 2048;
const MAX_RANK = 8;
const FLOAT = 1;
const INT64 = 7;

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** Whole numbers of shapes are held as they are. */
  readonly values: Float64Array;
}

export interface OnnxNode {
  readonly index: number;
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, number | string | readonly number[] | OnnxTensor>;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly tensors: ReadonlyMap<string, OnnxTensor>;
  /** Inputs that are not weights; −1 stands for a free dimension. */
  readonly inputs: readonly { name: string; dims: readonly number[] }[];
  readonly outputs: readonly string[];
  readonly properties: ReadonlyMap<string, Uint8Array>;
}

export const badOnnx = (message: string, data: Record<string, unknown> = {}): FedaiError =>
  new FedaiError('BAD_ONNX', message, data, {
    remedy: 'export the model again, with its weights inside the file',
  });

const decoder = new TextDecoder();
const text = (field: Field): string =>
  field.kind === 'varint' ? String(field.value) : decoder.decode(field.value);
const bytesOf = (field: Field): Uint8Array => {
  if (field.kind === 'varint')
    throw badOnnx('a message is expected where a number stands', { field: field.number });
  return field.value;
};
const whole = (value: bigint): number => {
  if (value > 2n ** 31n || value < -(2n ** 31n)) throw badOnnx('a number is out of range', { got: value });
  return Number(value);
};
const wholes = (field: Field): number[] => varintsOf(field).map(whole);

function floats(bytes: Uint8Array): Float64Array {
  if (bytes.length % 4 !== 0) throw badOnnx('floats are cut off', { bytes: bytes.length });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function int64s(bytes: Uint8Array): Float64Array {
  if (bytes.length % 8 !== 0) throw badOnnx('whole numbers are cut off', { bytes: bytes.length });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.length / 8 }, (_, i) => whole(view.getBigInt64(8 * i, true)));
}

function readTensor(bytes: Uint8Array): OnnxTensor {
  const dims: number[] = [];
  let [name, type] = ['', 0];
  let values: Float64Array | undefined;
  let raw: Uint8Array | undefined;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) dims.push(...wholes(field));
    else if (field.number === 2) type = wholes(field)[0] ?? 0;
    else if (field.number === 4) values = floats(bytesOf(field));
    else if (field.number === 7) values = Float64Array.from(wholes(field));
    else if (field.number === 8) name = text(field);
    else if (field.number === 9) raw = bytesOf(field);
    else if (field.number === 14) throw badOnnx('weights lie outside of the file', { tensor: name });
  }
  if (type !== FLOAT && type !== INT64)
    throw badOnnx(`tensor ${name}: only float32 weights and int64 shapes are read`, { type });
  values ??= type === FLOAT ? floats(raw ?? new Uint8Array(0)) : int64s(raw ?? new Uint8Array(0));
  const size = dims.reduce((product, side) => product * side, 1);
  if (dims.length > MAX_RANK || dims.some((side) => side < 0) || size !== values.length)
    throw badOnnx(`tensor ${name}: the data do not fit the shape`, { dims, got: values.length });
  return { name, dims, values };
}

function readAttribute(bytes: Uint8Array): [string, number | string | readonly number[] | OnnxTensor] {
  let name = '';
  let value: number | string | readonly number[] | OnnxTensor = 0;
  const list: number[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) name = text(field);
    else if (field.number === 2) value = floats(bytesOf(field))[0] ?? 0;
    else if (field.number === 3) value = wholes(field)[0] ?? 0;
    else if (field.number === 4) value = text(field);
    else if (field.number === 5) value = readTensor(bytesOf(field));
    else if (field.number === 8) list.push(...wholes(field));
  }
  return [name, list.length > 0 ? list : value];
}

function readNode(bytes: Uint8Array, index: number): OnnxNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const attributes = new Map<string, number | string | readonly number[] | OnnxTensor>();
  let [name, type] = ['', ''];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) inputs.push(text(field));
    else if (field.number === 2) outputs.push(text(field));
    else if (field.number === 3) name = text(field);
    else if (field.number === 4) type = text(field);
    else if (field.number === 5) attributes.set(...readAttribute(bytesOf(field)));
  }
  return { index, type, name, inputs, outputs, attributes };
}

function only(bytes: Uint8Array, number: number): Uint8Array {
  for (const field of fieldsOf(bytes)) if (field.number === number) return bytesOf(field);
  return new Uint8Array(0);
}

/** ValueInfoProto → TypeProto → Tensor → TensorShapeProto. */
function readInput(bytes: Uint8Array): { name: string; dims: number[] } {
  const shape = only(only(only(bytes, 2), 1), 2);
  const dims = [...fieldsOf(shape)].slice(0, MAX_RANK).map((dim) => {
    const value = [...fieldsOf(bytesOf(dim))].find(({ number }) => number === 1);
    return value ? (wholes(value)[0] ?? -1) : -1;
  });
  return { name: decoder.decode(only(bytes, 1)), dims };
}

/** StringStringEntryProto of the model; of two of one name the last. */
function readProperties(bytes: Uint8Array): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const field of fieldsOf(bytes))
    if (field.number === 14) found.set(decoder.decode(only(bytesOf(field), 1)), only(bytesOf(field), 2));
  return found;
}

/** Throws `BAD_ONNX` on anything that is not a complete file of bounded size. */
export function readOnnxGraph(bytes: Uint8Array): OnnxGraph {
  if (bytes.length > MAX_ONNX_BYTES)
    throw badOnnx('the file is too large', { got: bytes.length, expected: `<= ${MAX_ONNX_BYTES}` });
  const nodes: OnnxNode[] = [];
  const tensors = new Map<string, OnnxTensor>();
  const inputs: { name: string; dims: number[] }[] = [];
  const outputs: string[] = [];
  for (const field of fieldsOf(only(bytes, 7))) {
    if (field.number === 1) nodes.push(readNode(bytesOf(field), nodes.length));
    else if (field.number === 5) {
      const tensor = readTensor(bytesOf(field));
      tensors.set(tensor.name, tensor);
    } else if (field.number === 11) inputs.push(readInput(bytesOf(field)));
    else if (field.number === 12) outputs.push(decoder.decode(only(bytesOf(field), 1)));
    if (nodes.length > MAX_NODES)
      throw badOnnx('the graph has too many nodes', { expected: `<= ${MAX_NODES}` });
  }
  if (nodes.length === 0) throw badOnnx('the file has no graph');
  const properties = readProperties(bytes);
  return { nodes, tensors, inputs: inputs.filter(({ name }) => !tensors.has(name)), outputs, properties };
}
