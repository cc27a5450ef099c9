/** A model as an ONNX file of its forward graph, for other tools. Its input is [batch, height, width, channels], bytes / 256. */
import { canonicalJson, concatBytes, FedaiError } from '../../core/index.ts';
import type { AverageLayer, ConvLayer, DenseLayer, Layer, Model, NormLayer, PoolLayer } from '../model.ts';
import { checkWeights } from '../state/state.ts';
import {
  addNode,
  addTensor,
  attribute,
  type Draft,
  FLOAT,
  type Form,
  floatAttribute,
  INT64,
} from './onnxDraft.ts';
import { field } from './protobuf.ts';
import {
  addAttention,
  addEmbedding,
  addLayerNorm,
  addPosition,
  addSequenceDense,
} from './toOnnx.sequence.ts';

/** Of the file's form, as the operators' version came with it. */
const irVersion = (opset: number): number => (opset >= 23 ? 11 : opset >= 20 ? 9 : 8);
/** Raised by operators that came later. */
const LEAST_OPSET = 13;
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
  if (draft.forms[layer.from[0]!] === 'sequence') throw unwritten(name, 'batch normalisation of a sequence');
  const tensors = [layer.gamma, layer.beta, layer.mean, layer.mean + 1].map((t) => addTensor(draft, t));
  return addNode(draft, 'BatchNormalization', [input, ...tensors], name, [
    floatAttribute('epsilon', 2 ** -layer.epsilonShift),
  ]);
}

function addFlatten(draft: Draft, layer: Layer, input: string, name: string): string {
  if (layer.input[0] * layer.input[1] === 1 || draft.forms[layer.from[0]!] === 'sequence')
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
      return relu(
        draft.forms[layer.from[0]!] === 'sequence'
          ? addSequenceDense(draft, layer, input, name)
          : addConv(draft, layer, input, name),
      );
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
    case 'gelu':
      draft.opset = Math.max(draft.opset, 20);
      return addNode(draft, 'Gelu', [input], name);
    case 'layerNorm':
      return addLayerNorm(draft, layer, input, name);
    case 'embedding':
      return addEmbedding(draft, layer, input, name);
    case 'position':
      return addPosition(draft, layer, input, name);
    case 'attention':
      return addAttention(draft, layer, input, name);
  }
}

const unwritten = (place: string, what: string): FedaiError =>
  new FedaiError(
    'UNSUPPORTED_ONNX',
    `${place}: ${what} is not written to ONNX`,
    { place },
    { remedy: 'use the safetensors file' },
  );

/** As nodes of the plan: a GlobalAveragePooling2D gives a vector. */
function formOf(draft: Draft, layer: Layer, index: number): Form {
  const { class_name } = draft.model.document.layers[index]!;
  if (layer.kind === 'flatten' || class_name === 'GlobalAveragePooling2D') return 'vector';
  return layer.kind === 'embedding' ? 'sequence' : draft.forms[layer.from[0]!]!;
}

/** ValueInfoProto; −1 is the batch. */
function valueInfo(name: string, dims: readonly number[], type = FLOAT): Uint8Array {
  const shape = dims.map((side) => field(1, side < 0 ? field(2, 'batch') : field(1, side)));
  const tensor = concatBytes(field(1, type), field(2, concatBytes(...shape)));
  return concatBytes(field(1, name), field(2, field(1, tensor)));
}

/** Under this name the file carries the model document that it was written from. */
export const DOCUMENT_PROPERTY = 'fedai-model/1';

/** An embedding takes whole numbers: whatever else takes the input would need it in another type. */
function checkInput({ layers }: Model): boolean {
  const takesTokens = layers.some(({ kind }) => kind === 'embedding');
  const other = layers.findIndex(({ kind, from }) => kind !== 'embedding' && from.includes(0));
  if (takesTokens && other >= 0) throw unwritten(`layer ${other}`, 'the input of an embedding taken twice');
  return takesTokens;
}

/**
 * Throws `UNSUPPORTED_ONNX` naming the layer. Outputs are `logits` and, where there is a softmax, `probabilities`; of a
 * sequence, for every position. An embedding's input is int64 [batch, positions].
 */
export function exportOnnx(model: Model, weights: readonly Int32Array[]): Uint8Array {
  checkWeights(model, weights);
  const takesTokens = checkInput(model);
  const image = model.document.input.length > 1;
  const sides = image ? [...model.document.input, 1].slice(0, 3) : model.document.input;
  const form: Form = image ? 'image' : 'vector';
  const draft: Draft = { model, weights, parts: [], names: ['input'], forms: [form], opset: LEAST_OPSET };
  if (image)
    draft.names[0] = addNode(draft, 'Transpose', ['input'], 'image', [attribute('perm', [0, 3, 1, 2])]);
  model.layers.forEach((layer, index) => {
    draft.forms.push(formOf(draft, layer, index));
    draft.names.push(addLayer(draft, layer, index));
  });
  const ends = ['logits'];
  addNode(draft, 'Identity', [draft.names.at(-1)!], 'logits');
  if (model.head === 'softmax') {
    addNode(draft, 'Softmax', ['logits'], 'probabilities', [attribute('axis', -1)]);
    ends.unshift('probabilities');
  }
  const positions = model.positions > 1 ? [model.positions] : [];
  const graph = concatBytes(
    ...draft.parts,
    field(2, 'fedai'),
    field(11, valueInfo('input', [-1, ...sides], takesTokens ? INT64 : FLOAT)),
    ...ends.map((end) => field(12, valueInfo(end, [-1, ...positions, model.classes]))),
  );
  return concatBytes(
    field(1, irVersion(draft.opset)),
    field(2, 'fedai'),
    field(7, graph),
    field(8, concatBytes(field(1, ''), field(2, draft.opset))),
    field(14, concatBytes(field(1, DOCUMENT_PROPERTY), field(2, canonicalJson(model.document)))),
  );
}
