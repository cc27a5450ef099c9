/**
 * Layer JSON of Keras and TensorFlow.js as TensorFlow.js may be given it: layers that it has, bounded, without anything that
 * it would look up elsewhere. Shapes are known only when it has built the model.
 */
import { badTopology } from './errors.ts';
import { defaultInitialiser, type Initialiser, initialiserOf } from './initialisers.ts';
import { LAYERS } from './layers.ts';
import { inboundNodes, namedPlaces } from './links.ts';

export const TFJS_LIMITS = {
  layers: 256,
  /** Layers within layers. */
  depth: 8,
  /** Values of all kinds in the document. */
  values: 20_000,
  number: 2 ** 31,
  dimension: 4096,
  parameters: 2 ** 25,
  /** Outputs of all layers for one batch: the backward pass holds them, and of recurrent layers some ten times as much. */
  batchActivations: 2 ** 26,
  classes: 65_536,
  batch: 1024,
} as const;

export type Json = Record<string, unknown>;

export interface Topology {
  /** For TensorFlow.js as it is: with the initialisers of the document. */
  readonly plain: Json;
  /** The same with every initialiser replaced by `initialiserClass` and a place in `initialisers`. */
  readonly seeded: (initialiserClass: string) => Json;
  readonly initialisers: readonly Initialiser[];
  readonly layers: number;
  /** Of one sample, as the document says it; undefined where it leaves a dimension open. */
  readonly inputShape: readonly number[] | undefined;
  /** Rows of the table that inputs are places in, so that bytes are taken as they are; undefined where they are numbers. */
  readonly vocabulary: number | undefined;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Fields that say how a model was saved or where it ran, not what it is. */
const LEFT_OUT = ['dtype', 'batch_size', 'build_config', 'compile_config', 'module', 'registered_name'];
const HOLDERS = ['layer', 'cell', 'backward_layer'];

interface Reading {
  values: number;
  layers: number;
  readonly initialisers: Initialiser[];
  first: string | undefined;
  shape: unknown[] | undefined;
  vocabulary: number | undefined;
}

/** Other keys are no field of any layer, and some mean something to JavaScript. */
const isField = (key: string): boolean => /^[A-Za-z]\w*$/.test(key);

/** A copy of plain JSON, counted. */
function copied(value: unknown, place: string, reading: Reading, depth = 0): unknown {
  if (++reading.values > TFJS_LIMITS.values) throw badTopology('document', 'it has too many values');
  if (depth > 2 * TFJS_LIMITS.depth) throw badTopology(place, 'it is nested too deeply');
  if (typeof value === 'number' && !(Math.abs(value) <= TFJS_LIMITS.number))
    throw badTopology(place, 'a number is too large');
  if (Array.isArray(value)) return value.map((one) => copied(one, place, reading, depth + 1));
  if (!isObject(value)) return value;
  const fields = Object.entries(value)
    .filter(([key]) => isField(key))
    .map(([key, one]) => [key, copied(one, place, reading, depth + 1)]);
  return Object.fromEntries(fields);
}

/** Keras writes L1 and L2 as classes of their own. */
function regularizer(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.config)) return value;
  return ['L1', 'L2'].includes(textOf(value.class_name)) ? { ...value, class_name: 'L1L2' } : value;
}

function takeInitialiser(weight: string, found: unknown, place: string, reading: Reading): number {
  const named = typeof found === 'string' ? { class_name: found, config: {} } : found;
  let initialiser: Initialiser | undefined = defaultInitialiser(weight);
  if (isObject(named))
    initialiser = initialiserOf(textOf(named.class_name), isObject(named.config) ? named.config : {});
  if (!initialiser) throw badTopology(place, `the initialiser of ${weight} is not known`);
  return reading.initialisers.push(initialiser) - 1;
}

/** Marks the place of an initialiser until its class is known. */
const PLACE = '$initialiser';

const isGraph = (type: string): boolean => type === 'Model' || type === 'Functional';

/** The layers of a model; of a functional one each with what it takes of those before it. */
function readLayers(
  type: string,
  layers: readonly unknown[],
  place: string,
  reading: Reading,
  depth: number,
) {
  const names = new Set<string>();
  const read = layers.map((layer, i) => {
    const at = `${place}.layers.${i}`;
    const one = readLayer(layer, at, reading, depth + 1);
    const nodes = isObject(layer) ? copied(layer.inbound_nodes ?? [], at, reading) : [];
    const links = isGraph(type)
      ? { inbound_nodes: inboundNodes(nodes, names, one.class_name === 'InputLayer', at) }
      : {};
    const name = one.name as string;
    if (names.has(name)) throw badTopology(at, `its name ${name} is taken`);
    names.add(name);
    return { ...one, ...links };
  });
  return { layers: read, names };
}

function readConfig(type: string, config: Json, place: string, reading: Reading, depth: number): Json {
  if (config.stateful === true) throw badTopology(place, 'a layer that keeps its state between batches');
  const out: Json = {};
  for (const [key, value] of Object.entries(config)) {
    if (LEFT_OUT.includes(key) || !isField(key)) continue;
    const at = `${place}.${key}`;
    if (HOLDERS.includes(key) && isObject(value)) out[key] = readLayer(value, at, reading, depth + 1);
    else if (key === 'cells' && Array.isArray(value))
      out[key] = value.map((one, i) => readLayer(one, `${at}.${i}`, reading, depth + 1));
    else if (/^batch(?:_input)?_shape$/.test(key)) {
      if (!Array.isArray(value)) throw badTopology(at, 'not a shape');
      const sides = copied(value.slice(1), at, reading) as unknown[];
      reading.shape ??= sides;
      out.batch_input_shape = [null, ...sides];
    } else if (key.endsWith('_regularizer')) out[key] = regularizer(copied(value, at, reading));
    else if (key !== 'layers') out[key] = copied(value, at, reading);
  }
  if (Array.isArray(config.layers)) {
    const { layers, names } = readLayers(type, config.layers, place, reading, depth);
    out.layers = layers;
    for (const ends of isGraph(type) ? ['input_layers', 'output_layers'] : [])
      out[ends] = namedPlaces(out[ends], names, `${place}.${ends}`);
  }
  for (const weight of LAYERS[type]!)
    out[PLACE + weight] = takeInitialiser(weight, config[`${weight}_initializer`], place, reading);
  return out;
}

function readLayer(layer: unknown, place: string, reading: Reading, depth: number): Json {
  if (!isObject(layer) || typeof layer.class_name !== 'string') throw badTopology(place, 'not a layer');
  if (depth > TFJS_LIMITS.depth) throw badTopology(place, 'it is nested too deeply');
  if (++reading.layers > TFJS_LIMITS.layers)
    throw badTopology('document', `it has more than ${TFJS_LIMITS.layers} layers`);
  const type = layer.class_name;
  if (!Object.hasOwn(LAYERS, type))
    throw badTopology(place, `TensorFlow.js here has no layer ${type.slice(0, 100)}`);
  const isFirst = reading.first === undefined && !/^(?:InputLayer|Sequential|Model|Functional)$/.test(type);
  if (isFirst) reading.first = type;
  const otherwise = `${type.toLowerCase()}_${reading.layers}`;
  // Old files of Sequential models have a list in place of a config.
  const given = Array.isArray(layer.config) ? { layers: layer.config } : layer.config;
  const fields = isObject(given) ? given : {};
  const config = readConfig(type, fields, place, reading, depth);
  if (isFirst && type === 'Embedding' && typeof config.input_dim === 'number')
    reading.vocabulary = config.input_dim;
  config.name = textOf(layer.name) || textOf(fields.name) || otherwise;
  return { class_name: type, name: config.name, config };
}

/** Puts initialisers where their places are marked. */
function withInitialisers(value: unknown, of: (place: number) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withInitialisers(one, of));
  if (!isObject(value)) return value;
  const out: Json = {};
  for (const [key, one] of Object.entries(value)) {
    if (!key.startsWith(PLACE)) out[key] = withInitialisers(one, of);
    else {
      const initialiser = of(one as number);
      if (initialiser !== undefined) out[`${key.slice(PLACE.length)}_initializer`] = initialiser;
    }
  }
  return out;
}

const isShape = (sides: unknown): sides is number[] =>
  Array.isArray(sides) && sides.every((side) => Number.isSafeInteger(side) && side >= 1);

/** Throws `UNSUPPORTED_TFJS` with the place. */
export function parseTopology(json: unknown): Topology {
  const found = isObject(json) ? (isObject(json.modelTopology) ? json.modelTopology : json) : {};
  const top = isObject(found.model_config) ? found.model_config : found;
  if (!/^(?:Sequential|Model|Functional)$/.test(textOf(top.class_name)))
    throw badTopology('document', 'it is not the JSON of a Sequential or functional model');
  const reading: Reading = {
    values: 0,
    layers: 0,
    initialisers: [],
    first: undefined,
    shape: undefined,
    vocabulary: undefined,
  };
  const marked = readLayer(top, 'model', reading, 0);
  const plain = withInitialisers(marked, () => undefined) as Json;
  return {
    plain,
    seeded: (class_name) => withInitialisers(marked, (place) => ({ class_name, config: { place } })) as Json,
    initialisers: reading.initialisers,
    layers: reading.layers,
    inputShape: isShape(reading.shape) ? reading.shape : undefined,
    vocabulary: reading.vocabulary,
  };
}
