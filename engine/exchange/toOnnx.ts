/** A model as an ONNX file (opset 13) of its forward graph, for other tools. Its input is [batch, height, width, channels], bytes / 256. */
import { concatBytes, FedaiError } from '../../core/index.ts';
import type { AverageLayer, ConvLayer, DenseLayer, Layer, Model, NormLayer, PoolLayer } from '../model.ts';
import { checkWeights } from '../state/state.ts';
import { field } from './protobuf.ts';

const IR_VERSION = 8;
const OPSET = 13;
const FLOAT = 1;
const SCALE = 16_777_216;

const attribute = (name: string, value: number | readonly number[]): Uint8Array =>
  typeof value === 'number'
    ? concatBytes(field(1, name), field(3, value), field(20, 2))
    : concatBytes(field(1, name), ...value.map((one) => field(8, one)), field(20, 7));

function floatAttribute(name: string, value: number): Uint8Array {
  const bytes = new Uint8Array(5);
  // Field 2 of wire type 5.
  bytes[0] = 0x15;
  new DataView(bytes.buffer).setFloat32(1, value, true);
  return concatBytes(field(1, name), bytes, field(20, 1));
}

interface Draft {
  readonly model: Model;
  readonly weights: readonly Int32Array[];
  readonly parts: Uint8Array[];
  /** Output of each of the model's nodes, in ONNX's order of axes. */
  readonly names: string[];
}

function addTensor(
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

function addNode(
  { parts }: Draft,
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Uint8Array[] = [],
): string {
  const body = [
    ...inputs.map((input) => field(1, input)),
    field(2, output),
    field(3, output),
    field(4, type),
    ...attributes.map((one) => field(5, one)),
  ];
  parts.push(field(1, concatBytes(...body)));
  return output;
}

function addConv(draft: Draft, layer: ConvLayer, input: string, name: string): string {
  const [h, w] = layer.size;
  const [filters, channels] = [layer.output[2], layer.input[2] / layer.groups];
  const kernel = addTensor(draft, layer.kernel, {
    dims: [filters, channels, h, w],
    at(i) {
      const [x, y] = [i % w, Math.floor(i / w) % h];
      const [c, f] = [Math.floor(i / (w * h)) % channels, Math.floor(i / (w * h * channels))];
      return ((y * w + x) * channels + c) * filters + f;
    },
  });
  const after = [0, 1].map((axis) =>
    Math.max(
      0,
      (layer.output[axis]! - 1) * layer.stride[axis]! +
        layer.size[axis]! -
        layer.input[axis]! -
        layer.before[axis]!,
    ),
  );
  const bias = layer.bias < 0 ? [] : [addTensor(draft, layer.bias)];
  return addNode(draft, 'Conv', [input, kernel, ...bias], name, [
    attribute('kernel_shape', layer.size),
    attribute('strides', layer.stride),
    attribute('pads', [...layer.before, ...after]),
    attribute('group', layer.groups),
  ]);
}

function addDense(draft: Draft, layer: DenseLayer, input: string, name: string): string {
  const bias = layer.bias < 0 ? [] : [addTensor(draft, layer.bias)];
  return addNode(draft, 'Gemm', [input, addTensor(draft, layer.kernel), ...bias], name);
}

function addPool(draft: Draft, layer: PoolLayer | AverageLayer, input: string, name: string): string {
  const whole = layer.output[0] === 1 && layer.output[1] === 1 && layer.kind === 'average';
  const full = whole && layer.size[0] === layer.input[0] && layer.size[1] === layer.input[1];
  if (full) {
    addNode(draft, 'GlobalAveragePool', [input], `${name}.mean`);
    return addNode(draft, 'Flatten', [`${name}.mean`], name, [attribute('axis', 1)]);
  }
  const sizes = [attribute('kernel_shape', layer.size), attribute('strides', layer.size)];
  return addNode(draft, layer.kind === 'pool' ? 'MaxPool' : 'AveragePool', [input], name, sizes);
}

function addNorm(draft: Draft, layer: NormLayer, input: string, name: string): string {
  const tensors = [layer.gamma, layer.beta, layer.mean, layer.mean + 1].map((t) => addTensor(draft, t));
  return addNode(draft, 'BatchNormalization', [input, ...tensors], name, [
    floatAttribute('epsilon', 2 ** -layer.epsilonShift),
  ]);
}

function addFlatten(draft: Draft, layer: Layer, input: string, name: string): string {
  if (layer.input[0] * layer.input[1] === 1)
    return addNode(draft, 'Flatten', [input], name, [attribute('axis', 1)]);
  addNode(draft, 'Transpose', [input], `${name}.ours`, [attribute('perm', [0, 2, 3, 1])]);
  return addNode(draft, 'Flatten', [`${name}.ours`], name, [attribute('axis', 1)]);
}

function addLayer(draft: Draft, layer: Layer, index: number): string {
  const inputs = layer.from.map((node) => draft.names[node]!);
  const input = inputs[0]!;
  const name = `layer${index}`;
  const relu = (output: string): string =>
    'relu' in layer && layer.relu ? addNode(draft, 'Relu', [output], `${name}.relu`) : output;
  switch (layer.kind) {
    case 'conv2d':
      return relu(addConv(draft, layer, input, name));
    case 'dense':
      return relu(addDense(draft, layer, input, name));
    case 'pool':
    case 'average':
      return addPool(draft, layer, input, name);
    case 'relu':
      return addNode(draft, 'Relu', [input], name);
    case 'add': {
      const first = inputs
        .slice(1, -1)
        .reduce((sum, next, i) => addNode(draft, 'Add', [sum, next], `${name}.${i}`), input);
      return addNode(draft, 'Add', [first, inputs.at(-1)!], name);
    }
    case 'batchNorm':
      return addNorm(draft, layer, input, name);
    case 'dropout':
      return addNode(draft, 'Identity', [input], name);
    case 'flatten':
      return addFlatten(draft, layer, input, name);
    default:
      throw new FedaiError(
        'UNSUPPORTED_ONNX',
        `layer ${index}: ${layer.kind} is not written to ONNX`,
        { layer: index },
        { remedy: 'use the safetensors file' },
      );
  }
}

/** ValueInfoProto of f32; −1 is the batch. */
function valueInfo(name: string, dims: readonly number[]): Uint8Array {
  const shape = dims.map((side) => field(1, side < 0 ? field(2, 'batch') : field(1, side)));
  const tensor = concatBytes(field(1, FLOAT), field(2, concatBytes(...shape)));
  return concatBytes(field(1, name), field(2, field(1, tensor)));
}

/** Throws `UNSUPPORTED_ONNX` naming the layer. The last output is `probabilities`, or `outputs` where there is no softmax. */
export function exportOnnx(model: Model, weights: readonly Int32Array[]): Uint8Array {
  checkWeights(model, weights);
  const image = model.document.input.length > 1;
  const sides = image ? [...model.document.input, 1].slice(0, 3) : model.document.input;
  const draft: Draft = { model, weights, parts: [], names: ['input'] };
  if (image)
    draft.names[0] = addNode(draft, 'Transpose', ['input'], 'image', [attribute('perm', [0, 3, 1, 2])]);
  model.layers.forEach((layer, index) => {
    draft.names.push(addLayer(draft, layer, index));
  });
  const end = model.head === 'softmax' ? 'probabilities' : 'outputs';
  const axis = model.head === 'softmax' ? [attribute('axis', 1)] : [];
  addNode(draft, model.head === 'softmax' ? 'Softmax' : 'Identity', [draft.names.at(-1)!], end, axis);
  const graph = concatBytes(
    ...draft.parts,
    field(2, 'fedai'),
    field(11, valueInfo('input', [-1, ...sides])),
    field(12, valueInfo(end, [-1, model.classes])),
  );
  return concatBytes(
    field(1, IR_VERSION),
    field(2, 'fedai'),
    field(7, graph),
    field(8, concatBytes(field(1, ''), field(2, OPSET))),
  );
}
