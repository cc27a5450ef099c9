/** The plan of one layer from its document and its inputs. Throws `BAD_MODEL` naming the layer and the remedy. */
import type { LayerDocument } from '../document.ts';
import { addTensor, bad, type Cursor, commonOf, firstOf, mantissaBound, type Node } from './cursor.ts';
import { type AttentionLayer, type Layer, type NormLayer, type Shape, volume } from './types.ts';
import { planConv, planDense } from './weighted.ts';

/** 1.0 at the exponent of masters. */
const ONE = 2 ** 24;
/** Tables start within ±floor(2^24 · sqrt(6 / 4096)), a standard deviation of 0.022. */
const TABLE_FAN_IN = 4096;
const MAX_HEAD_TERMS = 512;

function planPool(
  size: readonly [number, number],
  name: string,
  kind: 'pool' | 'average',
  cursor: Cursor,
): Layer {
  const { shape, form } = firstOf(cursor);
  if (form !== 'image')
    throw bad(cursor.index, `${name} needs height, width and channels`, { shape }, 'move it before Flatten');
  const output: Shape = [Math.floor(shape[0] / size[0]), Math.floor(shape[1] / size[1]), shape[2]];
  if (volume(output) === 0)
    throw bad(
      cursor.index,
      'pool is larger than its input',
      { pool: size, input: shape },
      'shrink pool_size',
    );
  return { kind, ...commonOf(cursor), output, size };
}

function planNorm(
  kind: NormLayer['kind'],
  config: { epsilonShift?: number | undefined; momentumShift?: number | undefined },
  cursor: Cursor,
): NormLayer {
  const { shape } = firstOf(cursor);
  const channels = shape[2];
  const batch = kind === 'batchNorm';
  const gamma = addTensor(cursor, 'gamma', [channels], { constant: ONE });
  const beta = addTensor(cursor, 'beta', [channels]);
  const mean = batch ? addTensor(cursor, 'moving_mean', [channels], { statistic: true }) : -1;
  if (batch) addTensor(cursor, 'moving_variance', [channels], { constant: ONE, statistic: true });
  return {
    kind,
    ...commonOf(cursor),
    output: shape,
    gamma,
    beta,
    mean,
    epsilonShift: config.epsilonShift ?? (batch ? 10 : 16),
    momentumShift: config.momentumShift ?? 4,
  };
}

function planAttention(heads: number, causal: boolean, cursor: Cursor): AttentionLayer {
  const { shape, form } = firstOf(cursor);
  const [length, , channels] = shape;
  if (form !== 'sequence')
    throw bad(cursor.index, 'Attention needs a sequence', { shape }, 'put an Embedding at the beginning');
  if (channels % (3 * heads) !== 0 || channels / 3 / heads > MAX_HEAD_TERMS || length > MAX_HEAD_TERMS) {
    throw bad(
      cursor.index,
      'Attention takes queries, keys and values side by side: 3 · num_heads · key_dim channels',
      { channels, heads, positions: length, expected: `key_dim and positions <= ${MAX_HEAD_TERMS}` },
      'put a Dense with 3 · num_heads · key_dim units before it',
    );
  }
  return { kind: 'attention', ...commonOf(cursor), output: [length, 1, channels / 3], heads, causal };
}

function planEmbedding(rows: number, columns: number, cursor: Cursor): Layer {
  const { shape, form } = firstOf(cursor);
  if (form !== 'vector' || cursor.from[0] !== 0) {
    const remedy = 'make it the first layer, with an input of one dimension';
    throw bad(cursor.index, 'Embedding takes the bytes of the input', { shape }, remedy);
  }
  const table = addTensor(cursor, 'embeddings', [rows, columns], { fanIn: TABLE_FAN_IN });
  return { kind: 'embedding', ...commonOf(cursor), output: [shape[2], 1, columns], table, rows };
}

function planPosition(cursor: Cursor): Layer {
  const { shape, form } = firstOf(cursor);
  if (form !== 'sequence')
    throw bad(cursor.index, 'PositionEmbedding needs a sequence', { shape }, 'put an Embedding before it');
  const table = addTensor(cursor, 'embeddings', [shape[0], shape[2]], { fanIn: TABLE_FAN_IN });
  return { kind: 'position', ...commonOf(cursor), output: shape, table };
}

function planAdd(cursor: Cursor): Layer {
  const { shape } = firstOf(cursor);
  const shapes = cursor.inputs.map((input) => input.shape);
  if (shapes.length < 2 || new Set(cursor.from).size < shapes.length)
    throw bad(cursor.index, 'Add takes two or more different outputs', {}, 'name them in `from`');
  if (shapes.some((other) => other.some((side, axis) => side !== shape[axis])))
    throw bad(cursor.index, 'Add takes outputs of one shape', { shapes }, 'bring them to one shape');
  return { kind: 'add', ...commonOf(cursor), output: shape };
}

export function planLayer(doc: LayerDocument, cursor: Cursor): Layer {
  const common = commonOf(cursor);
  const same = { ...common, output: common.input };
  if (doc.class_name !== 'Add' && cursor.inputs.length > 1)
    throw bad(cursor.index, `${doc.class_name} takes one output`, {}, 'join them with Add');
  switch (doc.class_name) {
    case 'Conv2D':
      return planConv(doc, cursor);
    case 'Dense':
      return planDense(doc, cursor);
    case 'MaxPooling2D':
      return planPool(doc.config.pool_size, doc.class_name, 'pool', cursor);
    case 'AveragePooling2D':
      return planPool(doc.config.pool_size, doc.class_name, 'average', cursor);
    case 'GlobalAveragePooling2D':
      return planPool([common.input[0], common.input[1]], doc.class_name, 'average', cursor);
    case 'ReLU':
      return { kind: 'relu', ...same };
    case 'GELU':
      return { kind: 'gelu', ...same };
    case 'Flatten':
      return { kind: 'flatten', ...common, output: [1, 1, volume(common.input)] };
    case 'Add':
      return planAdd(cursor);
    case 'Dropout':
      return { kind: 'dropout', ...same, index: cursor.index, rateQ8: doc.config.rateQ8 };
    case 'LayerNormalization':
      return planNorm('layerNorm', doc.config ?? {}, cursor);
    case 'BatchNormalization':
      return planNorm('batchNorm', doc.config ?? {}, cursor);
    case 'Embedding':
      return planEmbedding(doc.config.input_dim, doc.config.output_dim, cursor);
    case 'PositionEmbedding':
      return planPosition(cursor);
    case 'Attention':
      return planAttention(doc.config.num_heads, doc.config.causal, cursor);
  }
}

/** What later layers see of this one. */
export function nodeOf(doc: LayerDocument, layer: Layer, cursor: Cursor): Node {
  const keeps = layer.kind === 'pool' || layer.kind === 'relu' || layer.kind === 'flatten';
  const { form, bound } = firstOf(cursor);
  const vector = layer.kind === 'flatten' || doc.class_name === 'GlobalAveragePooling2D';
  return {
    shape: layer.output,
    form: vector ? 'vector' : layer.kind === 'embedding' ? 'sequence' : form,
    bound: keeps ? bound : mantissaBound(cursor),
  };
}
