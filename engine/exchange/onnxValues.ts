/** Values of an ONNX graph on their way into layers: what each node takes, and what it gives. */
import { FedaiError } from '../../core/index.ts';
import type { LayerDocument } from '../document.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './onnx.ts';

/** What a tensor of the graph is for us. */
export interface Value {
  /** Name of the layer that gives it; `input` for the model's. */
  readonly layer: string;
  /** [height, width, channels] while it is an image in ONNX's order of axes, or [n]. */
  readonly shape: readonly number[];
  /** Axes are batch, height, width, channels: as ours. */
  readonly ours?: boolean;
  /** [positions, channels] of a sequence. */
  readonly isSequence?: boolean;
  /** One of three equal parts of the channels. */
  readonly part?: number;
  /** The image that was flattened in ONNX's order: the next kernel's rows must be put into ours. */
  readonly flattened?: readonly number[];
}

export interface Draft {
  readonly layers: LayerDocument[];
  /** Per layer, its tensors in the order of the plan. */
  readonly weights: Map<string, Float64Array[]>;
  readonly values: Map<string, Value>;
  readonly graph: OnnxGraph;
}

export const unsupported = (node: OnnxNode, what: string): FedaiError =>
  new FedaiError(
    'UNSUPPORTED_ONNX',
    `node ${node.index} (${node.type}${node.name && ` ${node.name}`}): ${what}`,
    { node: node.index, operator: node.type },
    { remedy: 'see docs/cli.md for the operators that are read, or write the model as a document' },
  );

export function numbers(node: OnnxNode, name: string, otherwise: readonly number[]): readonly number[] {
  const value = node.attributes.get(name);
  return Array.isArray(value) ? (value as readonly number[]) : otherwise;
}
export function number(node: OnnxNode, name: string, otherwise: number): number {
  const value = node.attributes.get(name);
  return typeof value === 'number' ? value : otherwise;
}

export function weightOf({ graph }: Draft, node: OnnxNode, place: number): OnnxTensor | undefined {
  const name = node.inputs[place];
  return name ? graph.tensors.get(name) : undefined;
}
export function needWeight(draft: Draft, node: OnnxNode, place: number, rank: number): OnnxTensor {
  const tensor = weightOf(draft, node, place);
  if (tensor?.dims.length !== rank)
    throw unsupported(node, `input ${place} must be a weight of rank ${rank}`);
  return tensor;
}
export function takenBy({ values }: Draft, node: OnnxNode, place = 0): Value {
  const value = values.get(node.inputs[place] ?? '');
  if (!value) throw unsupported(node, `input ${place} is not computed by a node before it`);
  if (value.part !== undefined && node.type !== 'Attention')
    throw unsupported(node, 'parts of channels go into an Attention alone');
  return value;
}

/** Adds a layer that takes `sources`, and says what the node's output is. */
export function addLayer(
  draft: Draft,
  node: OnnxNode,
  layer: LayerDocument,
  sources: readonly Value[],
  value: Omit<Value, 'layer'>,
  weights: Float64Array[] = [],
): void {
  const name = `node${node.index}`;
  const previous = draft.layers.at(-1)?.name ?? 'input';
  const from = sources.map((source) => source.layer);
  const chained = from.length === 1 && from[0] === previous;
  draft.layers.push({ ...layer, name, ...(chained ? {} : { from }) } as LayerDocument);
  draft.weights.set(name, weights);
  draft.values.set(node.outputs[0] ?? '', { ...value, layer: name });
}

export function passOn(draft: Draft, node: OnnxNode, value: Value, output = 0): void {
  draft.values.set(node.outputs[output] ?? '', value);
}
