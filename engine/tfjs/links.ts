/**
 * Which layer takes whose output in functional models, as Keras 2, Keras 3 and TensorFlow.js write it. TensorFlow.js looks for
 * a layer that is named and not there for ever: what it is given has none.
 */
import { badTopology } from './errors.ts';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Calls of Keras 3: the tensors among the arguments, in order. */
function histories(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(histories);
  if (!isObject(value)) return [];
  return value.class_name === '__keras_tensor__' && isObject(value.config)
    ? [value.config.keras_history]
    : [];
}

/** The name in [layer, call, output, …]; layers are called once here and have one output. */
function nameIn(tensor: unknown, place: string): string {
  const [name, call, output] = Array.isArray(tensor) ? tensor : [];
  if (typeof name !== 'string') throw badTopology(place, 'this form of links between layers');
  if (call !== 0 || output !== 0) throw badTopology(place, 'a layer that is used several times');
  return name;
}

/** What a layer takes, all of it `before`, as TensorFlow.js reads it; inputs take nothing. */
export function inboundNodes(
  nodes: unknown,
  before: ReadonlySet<string>,
  isInput: boolean,
  place: string,
): unknown[] {
  const calls = nodes ?? [];
  if (!Array.isArray(calls)) throw badTopology(place, 'this form of inbound_nodes');
  if (calls.length > 1) throw badTopology(place, 'a layer that is used several times');
  if (calls.length !== (isInput ? 0 : 1))
    throw badTopology(place, isInput ? 'an input that takes something' : 'it takes no output of a layer');
  return calls.map((call) => {
    const tensors = isObject(call) ? histories(call.args) : call;
    if (!Array.isArray(tensors) || tensors.length === 0)
      throw badTopology(place, 'this form of inbound_nodes');
    return tensors.map((tensor) => {
      const name = nameIn(tensor, place);
      if (!before.has(name)) throw badTopology(place, 'it takes the output of no layer before it');
      return [name, 0, 0, {}];
    });
  });
}

/** Inputs and outputs of a model: a list of places, or of Keras 3 one place. */
export function namedPlaces(value: unknown, known: ReadonlySet<string>, place: string): unknown[] {
  if (!Array.isArray(value)) throw badTopology(place, 'not a list of layers');
  const places: unknown[] = typeof value[0] === 'string' ? [value] : value;
  return places.map((one) => {
    const name = nameIn(one, place);
    if (!known.has(name)) throw badTopology(place, 'it names no layer');
    return [name, 0, 0];
  });
}
