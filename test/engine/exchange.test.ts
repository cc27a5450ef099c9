/** Models from and to other tools: ONNX, Keras JSON, safetensors. */
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../core/index.ts';
import { field } from '../../engine/exchange/protobuf.ts';
import {
  createEngine,
  exportOnnx,
  importKeras,
  importOnnx,
  type Model,
  parseModel,
  toFloatSafetensors,
  weightsFromSafetensors,
} from '../../engine/index.ts';
import { initialState } from '../../engine/state/state.ts';
import { conv, createNoise, dense, flatten, pool, relu } from './support.ts';

const layers = [
  conv(4, [3, 3], 'same', 'relu', [2, 2]),
  { class_name: 'BatchNormalization', name: 'n', config: { epsilonShift: 10 } },
  conv(4, [3, 3], 'same', 'linear'),
  { class_name: 'Add', name: 's', from: ['n', 'c'] },
  relu,
  pool(2, 2),
  { class_name: 'AveragePooling2D', config: { pool_size: [1, 2] } },
  flatten,
  dense(6, 'relu'),
  dense(3, 'softmax', false),
];
(layers[2] as { name?: string }).name = 'c';
const model = parseModel({ format: 'fedai-model/1', numeric: 'bfp12@1', input: [9, 8, 2], layers });
const { weights } = initialState(model, Uint8Array.of(4));

const floats = (values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const tensor = (name: string, dims: number[], values: number[]): Uint8Array =>
  field(
    5,
    concatBytes(...dims.map((side) => field(1, side)), field(2, 1), field(8, name), field(9, floats(values))),
  );
const node = (type: string, inputs: string[], output: string, attributes: Uint8Array[] = []): Uint8Array =>
  field(
    1,
    concatBytes(...inputs.map((one) => field(1, one)), field(2, output), field(4, type), ...attributes),
  );
const input = (dims: number[]): Uint8Array => {
  const shape = concatBytes(...dims.map((side) => field(1, field(1, side))));
  return field(11, concatBytes(field(1, 'x'), field(2, field(1, concatBytes(field(1, 1), field(2, shape))))));
};
const file = (...parts: Uint8Array[]): Uint8Array =>
  concatBytes(field(1, 8), field(7, concatBytes(...parts)));

describe('ONNX', () => {
  it('comes back with the same weights and answers', async () => {
    const again = importOnnx(exportOnnx(model, weights));
    expect(again.weights).toEqual(weights);
    expect(again.model.layers.map(({ kind, output }) => [kind, output])).toEqual(
      model.layers.map(({ kind, output }) => [kind, output]),
    );
    const engine = await createEngine({ kernel: 'reference' });
    const noise = createNoise(2);
    const inputs = Uint8Array.from({ length: 3 * model.inputSize }, () => noise() & 255);
    const answers = (of: Model, own: readonly Int32Array[]) => engine.predict(of, own, inputs, 3).logitsQ16;
    expect(answers(again.model, again.weights)).toEqual(answers(model, weights));
  });

  it('in its own order of axes is put into ours', () => {
    // 2 channels of 1 × 2; a flattened kernel counts rows channel by channel.
    const parts = [
      node('Flatten', ['x'], 'f'),
      node('MatMul', ['f', 'w'], 'm'),
      node('Add', ['m', 'b'], 'z'),
    ];
    const kernel = tensor('w', [4, 2], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]);
    const { model: read, weights: own } = importOnnx(
      file(input([1, 2, 1, 2]), ...parts, kernel, tensor('b', [2], [5, 6])),
    );
    expect(read.document.input).toEqual([1, 2, 2]);
    expect(Array.from(own[0]!, (value) => value / 2 ** 24)).toEqual([0, 0.5, 2, 2.5, 1, 1.5, 3, 3.5]);
    expect(Array.from(own[1]!, (value) => value / 2 ** 24)).toEqual([5, 6]);
  });

  it.each<[string, Uint8Array[], RegExp]>([
    ['an operator', [node('LSTM', ['x'], 'y')], /node 0 \(LSTM\)/],
    ['a value from nowhere', [node('Relu', ['q'], 'y')], /node 0 \(Relu\).*input 0/],
    [
      'weights that do not fit',
      [node('MatMul', ['x', 'w'], 'y'), tensor('w', [3, 2], [1, 2, 3, 4, 5, 6])],
      /do not fit/,
    ],
    [
      'a table by something else',
      [node('Relu', ['x'], 'r'), node('Gather', ['w', 'r'], 'y'), tensor('w', [2, 1], [1, 2])],
      /node 1 \(Gather\).*by the input/,
    ],
    [
      'attention over no parts',
      [node('Attention', ['x', 'x', 'x'], 'y')],
      /node 0 \(Attention\).*three parts/,
    ],
    ['a shape that lies', [node('MatMul', ['x', 'w'], 'y'), tensor('w', [2 ** 30, 2 ** 30], [1])], /shape/],
    [
      'weights that are no numbers',
      [node('MatMul', ['x', 'w'], 'y'), tensor('w', [2, 2], [1, Number.NaN, 0, 0])],
      /not a number/,
    ],
  ])('that holds %s is refused with the place', (_, parts, message) => {
    expect(() => importOnnx(file(input([1, 2]), ...parts))).toThrow(message);
  });

  it('of layers that it has not is refused', () => {
    const other = parseModel({
      ...model.document,
      input: [4],
      layers: [
        { class_name: 'Embedding', config: { input_dim: 8, output_dim: 6 } },
        { class_name: 'BatchNormalization' },
        dense(8, 'softmax'),
      ],
    });
    expect(() => exportOnnx(other, initialState(other, Uint8Array.of(1)).weights)).toThrow(
      'layer1: batch normalisation of a sequence',
    );
  });
});

describe('Keras JSON', () => {
  const kerasConv = {
    filters: 4,
    kernel_size: [3, 3],
    padding: 'same',
    activation: 'relu',
    dilation_rate: [1, 1],
  };
  const sequential = (more: object[]) => ({
    modelTopology: {
      model_config: {
        class_name: 'Sequential',
        config: {
          layers: [
            { class_name: 'Conv2D', config: { name: 'c', batch_input_shape: [null, 8, 8, 1], ...kerasConv } },
            ...more,
            { class_name: 'Flatten', config: {} },
            { class_name: 'Dense', config: { units: 10, activation: 'softmax' } },
          ],
        },
      },
    },
  });

  it('gives a model document', () => {
    const read = importKeras(
      sequential([
        { class_name: 'MaxPooling2D', config: { pool_size: [2, 2], strides: [2, 2] } },
        { class_name: 'Dropout', config: { rate: 0.25 } },
      ]),
    );
    expect(read.layers.map(({ kind }) => kind)).toEqual(['conv2d', 'pool', 'dropout', 'flatten', 'dense']);
    expect(read.layers[2]).toMatchObject({ rateQ8: 64 });
  });

  it('of a functional model keeps its branches', () => {
    const layer = (class_name: string, name: string, config: object, ...from: string[]) => ({
      class_name,
      name,
      config: { name, ...config },
      inbound_nodes: from.length === 0 ? [] : [from.map((source) => [source, 0, 0, {}])],
    });
    const read = importKeras({
      class_name: 'Functional',
      config: {
        layers: [
          layer('InputLayer', 'in', { batch_input_shape: [null, 6, 6, 4] }),
          layer('Conv2D', 'a', { ...kerasConv, activation: 'linear' }, 'in'),
          layer('Add', 'sum', {}, 'a', 'in'),
          layer('GlobalAveragePooling2D', 'g', {}, 'sum'),
          layer('Dense', 'd', { units: 3, activation: 'softmax' }, 'g'),
        ],
      },
    });
    expect(read.layers[1]).toMatchObject({ kind: 'add', from: [1, 0] });
  });

  it.each([
    [sequential([{ class_name: 'LSTM', config: {} }]), /layers\.1: layer LSTM/],
    [
      sequential([{ class_name: 'MaxPooling2D', config: { pool_size: [3, 3], strides: [2, 2] } }]),
      /layers\.1: only windows/,
    ],
    [{}, /no config\.layers/],
  ])('is refused with the place %#', (json, message) => {
    expect(() => importKeras(json)).toThrow(message);
  });
});

describe('safetensors of floats', () => {
  it('start a model of the same tensors', () => {
    expect(weightsFromSafetensors(model, toFloatSafetensors(model, weights))).toEqual(weights);
  });

  it('are refused when a tensor is missing, cut off or no number', () => {
    const bytes = toFloatSafetensors(model, weights);
    expect(() => weightsFromSafetensors(model, bytes.subarray(0, -4))).toThrow('do not fit');
    const nan = bytes.slice();
    nan.fill(255, -4);
    expect(() => weightsFromSafetensors(model, nan)).toThrow('not a number');
    const other = parseModel({ ...model.document, layers: [flatten, dense(3, 'softmax')] });
    expect(() => weightsFromSafetensors(other, bytes)).toThrow('layers.1.kernel');
  });
});
