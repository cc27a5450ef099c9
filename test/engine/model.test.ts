import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FedaiError } from '../../core/index.ts';
import { type ModelDocument, parseModel, parseRecipe } from '../../engine/index.ts';
import { conv, dense, flatten, pool, relu, sgd, smallModels } from './support.ts';

const model = (input: number[], layers: unknown[]) => ({
  format: 'fedai-model/1',
  numeric: 'bfp12@1',
  input,
  layers,
});

describe('model documents', () => {
  it('infer shapes as Keras does', () => {
    const layers = [
      conv(4, [3, 3], 'same', 'relu', [2, 2]),
      conv(3, [2, 3], 'valid', 'relu'),
      pool(2, 2),
      relu,
      flatten,
      dense(5, 'softmax'),
    ];
    const parsed = parseModel(model([9, 12], layers));
    expect(parsed.layers.map((layer) => layer.output)).toEqual([
      [5, 6, 4],
      [4, 4, 3],
      [2, 2, 3],
      [2, 2, 3],
      [1, 1, 12],
      [1, 1, 5],
    ]);
    expect(parsed.tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['layers.0.kernel', [3, 3, 1, 4]],
      ['layers.0.bias', [4]],
      ['layers.1.kernel', [2, 3, 4, 3]],
      ['layers.1.bias', [3]],
      ['layers.5.kernel', [12, 5]],
      ['layers.5.bias', [5]],
    ]);
    expect(parsed).toMatchObject({ classes: 5, inputSize: 108, parameters: 36 + 4 + 72 + 3 + 60 + 5 });
  });

  it.each([
    ['an unknown layer', [{ class_name: 'LSTM', config: {} }], /layers\.0/],
    ['an unknown field', [{ class_name: 'Flatten', config: {} }], /layers\.0/],
    ['Dense on an image', [dense(3, 'softmax')], /layer 0.*vector/],
    ['a kernel larger than its input', [conv(2, [9, 9], 'valid', 'relu')], /layer 0.*larger/],
    [
      'convolution after Flatten',
      [flatten, conv(2, [1, 1], 'same', 'relu'), dense(2, 'softmax')],
      /layer 1.*height/,
    ],
    ['no softmax at the end', [flatten, dense(2, 'relu')], /layer 1.*classes/],
    ['softmax in the middle', [flatten, dense(2, 'softmax'), dense(2, 'softmax')], /layer 1.*last/],
    ['no Dense at the end', [flatten, relu], /layer 1.*Dense/],
    ['a pool larger than its input', [pool(9, 9), flatten, dense(2, 'softmax')], /layer 0.*pool/],
    [
      'too many parameters',
      [flatten, dense(4096, 'relu'), dense(4096, 'relu'), dense(2, 'softmax')],
      /too large/,
    ],
  ])('refuse %s with the place and a remedy', (_, layers, message) => {
    const attempt = () => parseModel(model([8, 8], layers));
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: 'BAD_MODEL', remedy: expect.any(String) }));
  });

  it('refuse inputs beyond the limits', () => {
    expect(() => parseModel(model([4096, 4096, 4096], [flatten, dense(2, 'softmax')]))).toThrow(
      'too many activations',
    );
    expect(() => parseModel(model([0], [dense(2, 'softmax')]))).toThrow(FedaiError);
  });

  it('fail only with coded errors on any JSON', () => {
    const mutate = fc
      .tuple(fc.constantFrom(...Object.values(smallModels)), fc.jsonValue(), fc.nat(20))
      .map(([document, value, place]) => {
        const copy = structuredClone(document) as unknown as {
          layers: Record<string, unknown>[];
          input: unknown;
        };
        const keys = ['class_name', 'config'];
        if (place < 3) copy.input = value;
        else copy.layers[place % copy.layers.length]![keys[place % 2]!] = value;
        return copy as unknown;
      });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), mutate), (value) => {
        try {
          parseModel(value);
        } catch (error) {
          expect(error).toBeInstanceOf(FedaiError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('recipes', () => {
  const parsed = parseModel(smallModels['dense-one']);

  it.each([
    [{ ...sgd({}), batchSize: 12 }, /power of two/],
    [{ ...sgd({}), batchSize: 0 }, /batchSize/],
    [sgd({ shifts: [3, 4], boundaries: [] }), /one entry more/],
    [sgd({ shifts: [3, 4, 5], boundaries: [9, 9] }), /increase/],
    [sgd({ momentumShift: 0.5 }), /momentumShift/],
    [{ ...sgd({}), loss: 'mse' }, /loss/],
  ])('refuse %j', (recipe, message) => {
    expect(() => parseRecipe(recipe, parsed)).toThrow(message);
  });

  it('bound the memory of a batch', () => {
    const large: ModelDocument = {
      format: 'fedai-model/1',
      numeric: 'bfp12@1',
      input: [256, 256, 1],
      layers: [conv(8, [3, 3], 'same', 'relu'), pool(8, 8), flatten, dense(2, 'softmax')],
    };
    expect(() => parseRecipe(sgd({ batchSize: 1024 }), parseModel(large))).toThrow('too large');
  });
});
