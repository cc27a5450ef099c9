/** Where Keras 3 writes the links of functional models in another form than TensorFlow.js reads. */
import { badTopology } from './errors.ts';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `["input", 0, 0]` for one place becomes `[["input", 0, 0]]`. */
export const namedPlaces = (value: unknown): unknown =>
  Array.isArray(value) && typeof value[0] === 'string' ? [value] : value;

/** Tensors that a call takes, in order. */
function histories(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(histories);
  if (!isObject(value)) return [];
  if (value.class_name !== '__keras_tensor__' || !isObject(value.config)) return [];
  return Array.isArray(value.config.keras_history) ? [value.config.keras_history] : [];
}

/** Calls as lists of [layer, node, tensor, arguments]. */
export function inboundNodes(nodes: unknown, place: string): unknown {
  if (!Array.isArray(nodes)) throw badTopology(place, 'this form of inbound_nodes');
  return nodes.map((node) => {
    if (!isObject(node)) return node;
    const taken = histories(node.args).map((history) => [...(history as unknown[]), {}]);
    if (taken.length === 0) throw badTopology(place, 'this form of inbound_nodes');
    return taken;
  });
}
