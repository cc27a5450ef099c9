/** Plans of Conv2D and Dense. */
import { type LayerDocument, LIMITS } from '../document.ts';
import { addTensor, bad, type Cursor, commonOf, firstOf } from './cursor.ts';
import { type ConvLayer, type DenseLayer, volume } from './types.ts';

type ConvDocument = Extract<LayerDocument, { class_name: 'Conv2D' }>;
type DenseDocument = Extract<LayerDocument, { class_name: 'Dense' }>;

/** Output length and zero padding before the input, as TensorFlow defines `same` and `valid`, or as given. */
function convAxis(
  input: number,
  kernel: number,
  stride: number,
  padding: 'same' | 'valid' | readonly [number, number],
): [output: number, before: number] {
  if (padding === 'same') {
    const output = Math.ceil(input / stride);
    return [output, Math.floor(Math.max(0, (output - 1) * stride + kernel - input) / 2)];
  }
  const [before, after] = padding === 'valid' ? [0, 0] : padding;
  return [Math.floor((input + before + after - kernel) / stride) + 1, before];
}

function checkConv({ config }: ConvDocument, cursor: Cursor): void {
  const { index } = cursor;
  const { shape, form } = firstOf(cursor);
  const { filters, kernel_size: size, padding, activation, groups = 1 } = config;
  if (form !== 'image')
    throw bad(index, 'Conv2D needs height, width and channels', { shape }, 'move it before Flatten');
  if (activation === 'softmax')
    throw bad(index, 'softmax belongs to the last Dense', {}, 'use relu or linear');
  if (filters % groups !== 0 || shape[2] % groups !== 0) {
    const data = { groups, filters, channels: shape[2] };
    throw bad(index, 'groups must divide filters and channels', data, 'change groups');
  }
  const wide =
    typeof padding !== 'string' && padding.some((pair, axis) => pair.some((edge) => edge >= size[axis]!));
  if (wide)
    throw bad(index, 'padding is wider than the kernel', { padding, kernel: size }, 'use a smaller padding');
}

export function planConv(doc: ConvDocument, cursor: Cursor): ConvLayer {
  checkConv(doc, cursor);
  const { filters, kernel_size: size, strides, padding, activation, use_bias, groups = 1 } = doc.config;
  const { shape } = firstOf(cursor);
  const stride = strides ?? [1, 1];
  const [rows, columns] = typeof padding === 'string' ? [padding, padding] : padding;
  const [height, top] = convAxis(shape[0], size[0], stride[0], rows);
  const [width, left] = convAxis(shape[1], size[1], stride[1], columns);
  if (height < 1 || width < 1) {
    const data = { kernel: size, input: shape };
    throw bad(
      cursor.index,
      'kernel is larger than its input',
      data,
      'shrink kernel_size or use padding same',
    );
  }
  const kernel = addTensor(cursor, 'kernel', [...size, shape[2] / groups, filters]);
  const bias = use_bias ? addTensor(cursor, 'bias', [filters]) : -1;
  return {
    kind: 'conv2d',
    ...commonOf(cursor),
    output: [height, width, filters],
    relu: activation === 'relu',
    kernel,
    bias,
    size,
    stride,
    groups,
    before: [top, left],
  };
}

function checkDense({ config }: DenseDocument, { index, last, ...cursor }: Cursor): void {
  const { units, activation } = config;
  const { shape, form } = cursor.inputs[0]!;
  if (form === 'image') throw bad(index, 'Dense needs a vector', { shape }, 'put a Flatten layer before it');
  if (last ? activation === 'relu' : activation === 'softmax') {
    throw bad(
      index,
      last ? 'the last Dense gives the classes' : 'softmax belongs to the last Dense',
      { activation },
      last ? 'set its activation to softmax (or to linear, for mean squared error)' : 'use relu or linear',
    );
  }
  if (last && activation === 'softmax' && (units < 2 || units > LIMITS.classes)) {
    const data = { got: units, expected: `2 to ${LIMITS.classes}` };
    throw bad(index, 'unsupported number of classes', data, 'change units');
  }
}

/** On a sequence, Dense is a convolution of 1 × 1: the same sums for each position. */
export function planDense(doc: DenseDocument, cursor: Cursor): DenseLayer | ConvLayer {
  checkDense(doc, cursor);
  const { units, activation, use_bias } = doc.config;
  const { shape, form } = firstOf(cursor);
  const sequence = form === 'sequence';
  const kernel = addTensor(cursor, 'kernel', [sequence ? shape[2] : volume(shape), units]);
  const bias = use_bias ? addTensor(cursor, 'bias', [units]) : -1;
  const shared = { ...commonOf(cursor), relu: activation === 'relu', kernel, bias };
  if (!sequence) return { kind: 'dense', ...shared, output: [1, 1, units] };
  return {
    kind: 'conv2d',
    ...shared,
    output: [shape[0], 1, units],
    size: [1, 1],
    stride: [1, 1],
    groups: 1,
    before: [0, 0],
  };
}
