/** An ONNX forward graph as a model document with first weights. What is not supported is named with its node. */
import { equalBytes, FedaiError, parseJson } from '../../core/index.ts';
import type { NumericFormat } from '../arithmetic/format.ts';
import { LIMITS, type ModelDocument } from '../document.ts';
import { type Model, parseModel } from '../model.ts';
import { addAttention, addLayerNorm, addLookup, addPart } from './fromOnnx.sequence.ts';
import { toMasters } from './masters.ts';
import { badOnnx, type OnnxGraph, type OnnxNode, type OnnxTensor, readOnnxGraph } from './onnx.ts';
import {
  addLayer,
  type Draft,
  needWeight,
  number,
  numbers,
  passOn,
  takenBy,
  unsupported,
  type Value,
  weightOf,
} from './onnxValues.ts';
import { DOCUMENT_PROPERTY, exportOnnx } from './toOnnx.ts';

export interface Imported {
  readonly model: Model;
  readonly weights: Int32Array[];
}

/** [filters, channels, height, width] to [height, width, channels, filters]. */
function kernelOf({ dims, values }: OnnxTensor): Float64Array {
  const [f, c, h, w] = dims as [number, number, number, number];
  return Float64Array.from({ length: values.length }, (_, i) => {
    const [n, m, x, y] = [
      i % f,
      Math.floor(i / f) % c,
      Math.floor(i / (f * c)) % w,
      Math.floor(i / (f * c * w)),
    ];
    return values[((n * c + m) * h + y) * w + x]!;
  });
}

function addConv(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const kernel = needWeight(draft, node, 1, 4);
  const bias = weightOf(draft, node, 2);
  const [h, w] = kernel.dims.slice(2) as [number, number];
  const [top, left, below, right] = numbers(node, 'pads', [0, 0, 0, 0]) as [number, number, number, number];
  const auto = node.attributes.get('auto_pad') ?? 'NOTSET';
  if (numbers(node, 'dilations', [1, 1]).some((d) => d !== 1)) throw unsupported(node, 'dilations');
  if (auto === 'SAME_LOWER' || value.shape.length !== 3) throw unsupported(node, 'this padding or input');
  const strides = numbers(node, 'strides', [1, 1]) as [number, number];
  const padding: [[number, number], [number, number]] = [
    [top, below],
    [left, right],
  ];
  const layer = {
    class_name: 'Conv2D',
    config: {
      filters: kernel.dims[0]!,
      kernel_size: [h, w] as [number, number],
      strides,
      padding: auto === 'SAME_UPPER' ? ('same' as const) : auto === 'VALID' ? ('valid' as const) : padding,
      groups: number(node, 'group', 1),
      activation: 'linear',
      use_bias: bias !== undefined,
    },
  } as const;
  const side = (axis: 0 | 1, size: number): number =>
    auto === 'SAME_UPPER'
      ? Math.ceil(value.shape[axis]! / strides[axis])
      : Math.floor((value.shape[axis]! + padding[axis][0] + padding[axis][1] - size) / strides[axis]) + 1;
  const shape = [side(0, h), side(1, w), kernel.dims[0]!];
  addLayer(draft, node, layer, [value], { shape }, [kernelOf(kernel), ...(bias ? [bias.values] : [])]);
}

/** Rows of a kernel from ONNX's channels-first order into ours. */
function reordered(kernel: Float64Array, units: number, image: readonly number[] | undefined): Float64Array {
  if (!image) return kernel;
  const [h, w, c] = image as [number, number, number];
  return Float64Array.from({ length: kernel.length }, (_, i) => {
    const [row, n] = [Math.floor(i / units), i % units];
    const [channel, x, y] = [row % c, Math.floor(row / c) % w, Math.floor(row / (c * w))];
    return kernel[((channel * h + y) * w + x) * units + n]!;
  });
}

function addDense(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const kernel = needWeight(draft, node, 1, 2);
  const bias = node.type === 'Gemm' ? weightOf(draft, node, 2) : undefined;
  const odd =
    number(node, 'transA', 0) !== 0 || number(node, 'alpha', 1) !== 1 || number(node, 'beta', 1) !== 1;
  if (odd || (value.shape.length !== 1 && !value.isSequence))
    throw unsupported(node, 'transA, alpha, beta or an input that is not flat');
  const turned = number(node, 'transB', 0) === 1;
  const [rows, units] = (turned ? [...kernel.dims].reverse() : kernel.dims) as [number, number];
  const plain = turned
    ? Float64Array.from(
        { length: rows * units },
        (_, i) => kernel.values[(i % units) * rows + Math.floor(i / units)]!,
      )
    : kernel.values;
  if (rows !== value.shape.at(-1) || (bias && bias.values.length !== units))
    throw unsupported(
      node,
      `weights of ${kernel.dims.join(' × ')} do not fit an input of ${value.shape.join(' × ')}`,
    );
  const config = { units, activation: 'linear', use_bias: bias !== undefined } as const;
  const weights = [reordered(plain, units, value.flattened), ...(bias ? [bias.values] : [])];
  const { isSequence = false } = value;
  const shape = isSequence ? [value.shape[0]!, units] : [units];
  addLayer(draft, node, { class_name: 'Dense', config }, [value], { shape, isSequence }, weights);
}

/** Add of a weight gives the Dense before it its bias; else it joins two branches. */
function addSum(draft: Draft, node: OnnxNode): void {
  const place = [0, 1].find((input) => weightOf(draft, node, input));
  if (place === undefined) {
    const [a, b] = [takenBy(draft, node, 0), takenBy(draft, node, 1)];
    addLayer(draft, node, { class_name: 'Add' }, [a, b], a);
    return;
  }
  const value = takenBy(draft, node, 1 - place);
  const bias = weightOf(draft, node, place)!;
  if (value.isSequence && bias.dims.length > 1 && bias.values.length === value.shape[0]! * value.shape[1]!) {
    addLayer(draft, node, { class_name: 'PositionEmbedding' }, [value], value, [bias.values]);
    return;
  }
  const last = draft.layers.at(-1);
  const weights = draft.weights.get(value.layer);
  const fits = last?.class_name === 'Dense' && last.name === value.layer && weights?.length === 1;
  if (!fits || bias.values.length !== value.shape.at(-1))
    throw unsupported(node, 'a weight is added to what is no product');
  last.config.use_bias = true;
  weights.push(bias.values);
  passOn(draft, node, value);
}

/** ReLU and softmax become the activation of the product before them where nothing else takes its output. */
function addActivation(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const last = draft.layers.at(-1);
  const alone = draft.graph.nodes.filter(({ inputs }) => inputs.includes(node.inputs[0]!)).length === 1;
  const own = last?.name === value.layer && (last.class_name === 'Dense' || last.class_name === 'Conv2D');
  if (node.type === 'Relu' && own && alone && last.config.activation === 'linear') {
    last.config.activation = 'relu';
    passOn(draft, node, value);
  } else if (node.type === 'Relu') addLayer(draft, node, { class_name: 'ReLU' }, [value], value);
  else if (node.type === 'Gelu' && node.attributes.get('approximate') === 'tanh')
    throw unsupported(node, 'the approximation by tanh');
  else if (node.type === 'Gelu') addLayer(draft, node, { class_name: 'GELU' }, [value], value);
  else if (own && last.class_name === 'Dense') passOn(draft, node, value);
  else throw unsupported(node, 'softmax belongs behind the last product');
}

function addPool(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const size = numbers(node, 'kernel_shape', []) as [number, number];
  const strides = numbers(node, 'strides', [1, 1]);
  const odd =
    size.length !== 2 ||
    numbers(node, 'pads', []).some((edge) => edge !== 0) ||
    number(node, 'ceil_mode', 0) !== 0;
  if (odd || strides.some((stride, axis) => stride !== size[axis]) || value.shape.length !== 3)
    throw unsupported(node, 'only windows side by side without padding');
  const [h, w, c] = value.shape as [number, number, number];
  const class_name = node.type === 'MaxPool' ? 'MaxPooling2D' : 'AveragePooling2D';
  const shape = [Math.floor(h / size[0]), Math.floor(w / size[1]), c];
  addLayer(draft, node, { class_name, config: { pool_size: [size[0], size[1]] } }, [value], { shape });
}

function addNorm(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  if (value.isSequence) throw unsupported(node, 'of a sequence');
  const epsilonShift = Math.min(30, Math.max(1, Math.round(-Math.log2(number(node, 'epsilon', 1e-5)))));
  const weights = [1, 2, 3, 4].map((place) => needWeight(draft, node, place, 1).values);
  addLayer(
    draft,
    node,
    { class_name: 'BatchNormalization', config: { epsilonShift } },
    [value],
    value,
    weights,
  );
}

function addFlatten(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const size = value.shape.reduce((product, side) => product * side, 1);
  const target = node.type === 'Reshape' ? weightOf(draft, node, 1)?.values : undefined;
  const flat =
    node.type === 'Flatten'
      ? number(node, 'axis', 1) === 1
      : target?.length === 2 && [-1, size].includes(target[1]!);
  if (!flat) throw unsupported(node, 'only to one vector for each sample');
  if (value.shape.length === 1) {
    passOn(draft, node, value);
    return;
  }
  const flattened = value.ours || value.isSequence ? {} : { flattened: value.shape };
  addLayer(draft, node, { class_name: 'Flatten' }, [value], { shape: [size], ...flattened });
}

/** Between [batch, height, width, channels] and ONNX's [batch, channels, height, width]. */
function addTranspose(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const order = numbers(node, 'perm', []).join();
  if (order === '0,3,1,2' && value.ours) passOn(draft, node, { ...value, ours: false });
  else if (order === '0,2,3,1' && !value.ours) passOn(draft, node, { ...value, ours: true });
  else throw unsupported(node, 'this order of axes');
}

function addGlobalAverage(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const shape = [value.shape.at(-1)!];
  addLayer(draft, node, { class_name: 'GlobalAveragePooling2D' }, [value], { shape });
}

const addNothing = (draft: Draft, node: OnnxNode): void => passOn(draft, node, takenBy(draft, node));

const OPERATORS = new Map<string, (draft: Draft, node: OnnxNode) => void>([
  ['Conv', addConv],
  ['Gemm', addDense],
  ['MatMul', addDense],
  ['Add', addSum],
  ['Relu', addActivation],
  ['Gelu', addActivation],
  ['Softmax', addActivation],
  ['LogSoftmax', addActivation],
  ['MaxPool', addPool],
  ['AveragePool', addPool],
  ['GlobalAveragePool', addGlobalAverage],
  ['BatchNormalization', addNorm],
  ['LayerNormalization', addLayerNorm],
  ['Gather', addLookup],
  ['Split', addPart],
  ['Attention', addAttention],
  ['Flatten', addFlatten],
  ['Reshape', addFlatten],
  ['Transpose', addTranspose],
  ['Identity', addNothing],
  // Of a model that is only run, dropout changes nothing.
  ['Dropout', addNothing],
]);

function addNode(draft: Draft, node: OnnxNode): void {
  const add = OPERATORS.get(node.type);
  if (!add) throw unsupported(node, 'this operator is not supported');
  add(draft, node);
}

/** The input's shape in our order; a first Transpose from ours says that it is so already. */
function inputOf({ inputs, nodes }: OnnxGraph): { name: string; value: Value } {
  const [input] = inputs;
  const shape = input?.dims.slice(1) ?? [];
  if (!input || inputs.length > 1 || ![1, 3].includes(shape.length) || shape.some((side) => side < 1))
    throw badOnnx('the graph must have one input of [batch, n] or [batch, channels, height, width]', {
      inputs,
    });
  const first = nodes.find((node) => node.inputs.includes(input.name));
  const ours = first?.type === 'Transpose';
  const [a, b, c] = shape as [number, number, number];
  const ordered = shape.length === 1 || ours ? shape : [b, c, a];
  return { name: input.name, value: { layer: 'input', shape: ordered, ours } };
}

/**
 * Reads the forward graph; its last product becomes the classes. A file as we wrote it gives the very document that it
 * was written from. Throws `BAD_ONNX`, `UNSUPPORTED_ONNX`, `BAD_MODEL`.
 */
export function importOnnx(bytes: Uint8Array, numeric: NumericFormat = 'bfp12@1'): Imported {
  const graph = readOnnxGraph(bytes);
  const read = readGraph(graph, numeric);
  const document = graph.properties.get(DOCUMENT_PROPERTY);
  return (document && asWritten(bytes, document, read.weights)) ?? read;
}

/** What the document says holds only for a file that it gives byte by byte. */
function asWritten(bytes: Uint8Array, document: Uint8Array, weights: Int32Array[]): Imported | undefined {
  try {
    const model = parseModel(parseJson(document, LIMITS.documentBytes));
    return equalBytes(exportOnnx(model, weights), bytes) ? { model, weights } : undefined;
  } catch (error) {
    if (error instanceof FedaiError) return undefined;
    throw error;
  }
}

function readGraph(graph: OnnxGraph, numeric: NumericFormat): Imported {
  const input = inputOf(graph);
  const draft: Draft = {
    layers: [],
    weights: new Map(),
    values: new Map([[input.name, input.value]]),
    graph,
  };
  for (const node of graph.nodes) addNode(draft, node);
  const last = draft.layers.at(-1);
  if (last?.class_name !== 'Dense')
    throw badOnnx('the graph must end with a product (Gemm or MatMul)', { got: last?.class_name });
  last.config.activation = 'softmax';
  const document: ModelDocument = {
    format: 'fedai-model/1',
    numeric,
    input: [...input.value.shape],
    layers: draft.layers,
  };
  const model = parseModel(document);
  const values = draft.layers.flatMap(({ name }) => draft.weights.get(name!)!);
  return { model, weights: toMasters(model, values, badOnnx) };
}
