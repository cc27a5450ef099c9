/** Layer JSON of Keras 2 and TensorFlow.js (`model.to_json()`, `model.json`) as a model document. Weights are not in it. */
import { FedaiError } from '../../core/index.ts';
import type { NumericFormat } from '../arithmetic/format.ts';
import { type Model, parseModel } from '../model.ts';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unsupported = (place: string, what: string): FedaiError =>
  new FedaiError(
    'UNSUPPORTED_KERAS',
    `${place}: ${what}`,
    { place },
    { remedy: 'change the layer, or write the model as a document of its own' },
  );

const nameOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
const numberOf = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise;

const pair = (value: unknown): unknown => (typeof value === 'number' ? [value, value] : value);
const shiftOf = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && value > 0 && value < 1
    ? Math.min(30, Math.max(1, Math.round(-Math.log2(value))))
    : otherwise;

function poolConfig(config: Json, place: string): Json {
  const [size, strides] = [pair(config.pool_size), pair(config.strides)];
  if (strides !== undefined && strides !== null && JSON.stringify(strides) !== JSON.stringify(size))
    throw unsupported(place, 'only windows side by side (strides as pool_size)');
  if (config.padding === 'same') throw unsupported(place, 'padding same of a pool');
  return { pool_size: size };
}

function convConfig(config: Json, place: string): Json {
  if (JSON.stringify(pair(config.dilation_rate ?? 1)) !== '[1,1]') throw unsupported(place, 'dilation');
  if (config.data_format === 'channels_first') throw unsupported(place, 'channels first');
  return {
    filters: config.filters,
    kernel_size: pair(config.kernel_size),
    strides: pair(config.strides ?? 1),
    padding: config.padding ?? 'valid',
    groups: config.groups ?? 1,
    activation: config.activation ?? 'linear',
    use_bias: config.use_bias ?? true,
  };
}

/** The fields of our layer; undefined for what changes nothing. */
function translate(type: unknown, config: Json, place: string): Json | undefined {
  switch (type) {
    case 'InputLayer':
      return undefined;
    case 'Conv2D':
      return { class_name: type, config: convConfig(config, place) };
    case 'MaxPooling2D':
    case 'AveragePooling2D':
      return { class_name: type, config: poolConfig(config, place) };
    case 'Dense':
      return {
        class_name: type,
        config: {
          units: config.units,
          activation: config.activation ?? 'linear',
          use_bias: config.use_bias ?? true,
        },
      };
    case 'Activation':
      if (config.activation === 'relu') return { class_name: 'ReLU' };
      if (config.activation === 'gelu') return { class_name: 'GELU' };
      throw unsupported(place, `activation ${nameOf(config.activation, 'of this form')} as a layer`);
    case 'Dropout':
      return { class_name: type, config: { rateQ8: Math.round(256 * numberOf(config.rate, 0)) } };
    case 'BatchNormalization':
      return {
        class_name: type,
        config: {
          epsilonShift: shiftOf(config.epsilon, 10),
          momentumShift: Math.min(16, shiftOf(1 - numberOf(config.momentum, 0.99), 7)),
        },
      };
    case 'LayerNormalization':
      return { class_name: type, config: { epsilonShift: shiftOf(config.epsilon, 10) } };
    case 'Embedding':
      return { class_name: type, config: { input_dim: config.input_dim, output_dim: config.output_dim } };
    case 'Flatten':
    case 'ReLU':
    case 'Add':
    case 'GlobalAveragePooling2D':
      return { class_name: type };
    default:
      throw unsupported(place, `layer ${nameOf(type, 'of this form')} is not supported`);
  }
}

/** Names of the layers that a functional model's layer takes. */
function sources(layer: Json, place: string): string[] {
  const nodes = layer.inbound_nodes;
  if (nodes === undefined || (Array.isArray(nodes) && nodes.length === 0)) return [];
  const [first, more] = Array.isArray(nodes) ? nodes : [];
  if (!Array.isArray(first) || more !== undefined)
    throw unsupported(place, 'a layer that is used several times');
  return first.map((entry) => {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string')
      throw unsupported(place, 'this form of inbound_nodes');
    return entry[0];
  });
}

function layersOf(json: unknown): { layers: unknown[]; functional: boolean; config: Json } {
  const found = isObject(json) ? (isObject(json.modelTopology) ? json.modelTopology : json) : {};
  const top = isObject(found.model_config) ? found.model_config : found;
  const config = isObject(top.config) ? top.config : Array.isArray(top.config) ? { layers: top.config } : {};
  if (!Array.isArray(config.layers)) throw unsupported('document', 'it has no config.layers');
  return { layers: config.layers, functional: top.class_name !== 'Sequential', config };
}

/** Throws `UNSUPPORTED_KERAS` with the place, or `BAD_MODEL`. */
export function importKeras(json: unknown, numeric: NumericFormat = 'bfp12@1'): Model {
  const { layers, functional } = layersOf(json);
  let input: unknown;
  const documents: Json[] = [];
  const alias = new Map<string, string>();
  for (const [index, layer] of layers.entries()) {
    const place = `layers.${index}`;
    if (!isObject(layer)) throw unsupported(place, 'not an object');
    const config = isObject(layer.config) ? layer.config : {};
    const shape = config.batch_input_shape ?? config.batch_shape;
    if (Array.isArray(shape)) input ??= shape.slice(1);
    const name = nameOf(config.name ?? layer.name, `layer${index}`);
    const translated = translate(layer.class_name, config, place);
    if (!translated) {
      alias.set(name, 'input');
      continue;
    }
    const from = functional ? sources(layer, place).map((source) => alias.get(source) ?? source) : [];
    documents.push({ ...translated, name, ...(from.length > 0 && { from }) });
  }
  return parseModel({ format: 'fedai-model/1', numeric, input, layers: documents });
}

/** Of layers that compute one with their product. */
const ACTIVATIONS = ['linear', 'relu', 'softmax'];

function gapOf(layer: unknown, place: string): string | undefined {
  if (!isObject(layer)) return undefined;
  const config = isObject(layer.config) ? layer.config : {};
  try {
    translate(layer.class_name, config, place);
  } catch (error) {
    if (error instanceof FedaiError) return error.message;
    throw error;
  }
  const { activation } = config;
  return layer.class_name === 'Activation' ||
    activation === undefined ||
    ACTIVATIONS.includes(String(activation))
    ? undefined
    : `${place}: activation ${nameOf(activation, 'of this form')}`;
}

/** What of a file the exact engine has not, layer by layer; empty where something else is wrong with it. */
export const kerasGaps = (json: unknown): string[] =>
  layersOf(json).layers.flatMap((layer, index) => gapOf(layer, `layers.${index}`) ?? []);
