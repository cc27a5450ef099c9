/** Layers over sequences as ONNX nodes: their values are [batch, positions, channels]. */
import type { AttentionLayer, ConvLayer, EmbeddingLayer, NormLayer, PositionLayer } from '../model.ts';
import { addNode, addTensor, attribute, type Draft, floatAttribute } from './onnxDraft.ts';

const LAYER_NORM_OPSET = 17;
const ATTENTION_OPSET = 23;

const need = (draft: Draft, opset: number): void => {
  draft.opset = Math.max(draft.opset, opset);
};

export const addEmbedding = (draft: Draft, { table }: EmbeddingLayer, input: string, name: string): string =>
  addNode(draft, 'Gather', [addTensor(draft, table), input], name);

export const addPosition = (draft: Draft, { table }: PositionLayer, input: string, name: string): string =>
  addNode(draft, 'Add', [input, addTensor(draft, table)], name);

export function addSequenceDense(draft: Draft, layer: ConvLayer, input: string, name: string): string {
  if (layer.bias < 0) return addNode(draft, 'MatMul', [input, addTensor(draft, layer.kernel)], name);
  const product = addNode(draft, 'MatMul', [input, addTensor(draft, layer.kernel)], `${name}.product`);
  return addNode(draft, 'Add', [product, addTensor(draft, layer.bias)], name);
}

/** Over the channels, which of images come last only for as long. */
export function addLayerNorm(draft: Draft, layer: NormLayer, input: string, name: string): string {
  need(draft, LAYER_NORM_OPSET);
  const tensors = [layer.gamma, layer.beta].map((tensor) => addTensor(draft, tensor));
  const attributes = [attribute('axis', -1), floatAttribute('epsilon', 2 ** -layer.epsilonShift)];
  if (draft.forms[layer.from[0]!] !== 'image')
    return addNode(draft, 'LayerNormalization', [input, ...tensors], name, attributes);
  const last = addNode(draft, 'Transpose', [input], `${name}.ours`, [attribute('perm', [0, 2, 3, 1])]);
  const normed = addNode(draft, 'LayerNormalization', [last, ...tensors], `${name}.norm`, attributes);
  return addNode(draft, 'Transpose', [normed], name, [attribute('perm', [0, 3, 1, 2])]);
}

/** Queries, keys and values lie side by side, head by head. */
export function addAttention(draft: Draft, layer: AttentionLayer, input: string, name: string): string {
  need(draft, ATTENTION_OPSET);
  const parts = ['queries', 'keys', 'values'].map((part) => `${name}.${part}`);
  addNode(draft, 'Split', [input], parts, [attribute('axis', -1), attribute('num_outputs', 3)]);
  return addNode(draft, 'Attention', parts, name, [
    attribute('q_num_heads', layer.heads),
    attribute('kv_num_heads', layer.heads),
    attribute('is_causal', layer.causal ? 1 : 0),
  ]);
}
