/** ONNX nodes over sequences as layers: look-ups, normalisation of channels, attention. */
import type { OnnxNode } from './onnx.ts';
import { addLayer, type Draft, needWeight, number, passOn, takenBy, unsupported } from './onnxValues.ts';

/** Gather of rows of a weight by the input's bytes. */
export function addLookup(draft: Draft, node: OnnxNode): void {
  const table = needWeight(draft, node, 0, 2);
  const value = takenBy(draft, node, 1);
  if (value.layer !== 'input' || value.shape.length !== 1 || number(node, 'axis', 0) !== 0)
    throw unsupported(node, 'only rows of a table by the input');
  const [input_dim, output_dim] = table.dims as [number, number];
  const layer = { class_name: 'Embedding', config: { input_dim, output_dim } } as const;
  const shape = [value.shape[0]!, output_dim];
  addLayer(draft, node, layer, [value], { shape, isSequence: true }, [table.values]);
}

export function addLayerNorm(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const rank = value.shape.length + 1;
  const axis = number(node, 'axis', -1);
  const isLast = axis === -1 || axis === rank - 1;
  if (!isLast || (value.shape.length === 3 && !value.ours)) throw unsupported(node, 'only over the channels');
  const epsilon = number(node, 'epsilon', 1e-5);
  const epsilonShift = Math.min(30, Math.max(1, Math.round(-Math.log2(epsilon))));
  const weights = [1, 2].map((place) => needWeight(draft, node, place, 1).values);
  addLayer(
    draft,
    node,
    { class_name: 'LayerNormalization', config: { epsilonShift } },
    [value],
    value,
    weights,
  );
}

/** Queries, keys and values: three equal parts of the channels. */
export function addPart(draft: Draft, node: OnnxNode): void {
  const value = takenBy(draft, node);
  const channels = value.shape.at(-1)! / 3;
  const axis = number(node, 'axis', 0);
  const fits = value.isSequence && node.outputs.length === 3 && (axis === -1 || axis === 2);
  if (!fits || !Number.isInteger(channels) || node.inputs.length > 1)
    throw unsupported(node, 'only of a sequence into three equal parts');
  for (const part of [0, 1, 2])
    passOn(draft, node, { ...value, shape: [value.shape[0]!, channels], part }, part);
}

export function addAttention(draft: Draft, node: OnnxNode): void {
  const parts = [0, 1, 2].map((place) => takenBy(draft, node, place));
  const value = parts[0]!;
  const isWhole = parts.every(({ layer, part }, i) => part === i && layer === value.layer);
  const heads = number(node, 'q_num_heads', 0);
  const odd = ['scale', 'softcap', 'qk_matmul_output_mode'].some((name) => node.attributes.has(name));
  if (!isWhole || node.inputs.length > 3 || odd || number(node, 'kv_num_heads', heads) !== heads)
    throw unsupported(node, 'only over three parts of one product, with as many heads of keys as of queries');
  const config = { num_heads: heads, causal: number(node, 'is_causal', 0) === 1 };
  const { part: _, ...plain } = value;
  addLayer(draft, node, { class_name: 'Attention', config }, [value], plain);
}
