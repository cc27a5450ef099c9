/** Readers of data files that people have: NPZ, CSV, text. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/index.ts';
import { recordsFromCsv, recordsFromNpz, recordsFromText } from '../../storage/index.ts';
import { npy, zip } from '../support/npz.ts';

const wide = (values: number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
const arrays = (labels: Uint8Array) => ({
  'x_train.npy': npy([2, 1, 3], Uint8Array.of(1, 2, 3, 4, 5, 6), '|u1'),
  'y_train.npy': npy([2], labels, '<i8'),
  'x_test.npy': npy([1, 1, 3], Uint8Array.of(7, 8, 9), '|u1'),
  'y_test.npy': npy([1], wide([1]), '<i8'),
});

describe('NPZ', () => {
  it.each([true, false])('gives its records, deflated: %s', (deflated) => {
    const { train, test } = recordsFromNpz(zip(arrays(wide([0, 3])), deflated));
    expect(train).toEqual({
      inputs: Uint8Array.of(1, 2, 3, 4, 5, 6),
      labels: Uint8Array.of(0, 3),
      shape: [1, 3, 1],
      classes: 4,
    });
    expect(test).toMatchObject({ labels: Uint8Array.of(1), classes: 4 });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['a label above 255', zip(arrays(wide([0, 256])), true), /y_train: a value/],
    [
      'a missing array',
      zip({ 'x_train.npy': npy([1, 1], Uint8Array.of(1), '|u1') }, true),
      /no array y_train/,
    ],
    [
      'floats',
      zip({ ...arrays(wide([0, 1])), 'x_train.npy': npy([1], new Uint8Array(4), '<f4') }, true),
      /whole numbers/,
    ],
    [
      'a shape that lies',
      zip({ ...arrays(wide([0, 1])), 'x_train.npy': npy([9, 9], new Uint8Array(4), '|u1') }, true),
      /does not fit/,
    ],
    ['a cut', zip(arrays(wide([0, 1])), true).subarray(40), /NPZ/],
  ])('with %s is refused', (_, file, message) => {
    expect(() => recordsFromNpz(file)).toThrow(message);
  });

  it('that unpacks to more than it says is refused', () => {
    const bomb = zip({ ...arrays(wide([0, 1])), 'x_train.npy': new Uint8Array(1 << 20) }, true);
    const at = Buffer.from(bomb).lastIndexOf('x_train.npy') - 46 + 24;
    new DataView(bomb.buffer).setUint32(at, 100, true);
    expect(() => recordsFromNpz(bomb)).toThrow('cannot be decompressed');
  });
});

describe('CSV', () => {
  it('takes the label from the first column, or from one of that name', () => {
    const plain = Array.from({ length: 10 }, (_, i) => `${i % 3},${i},255`).join('\n');
    const { train, test } = recordsFromCsv(plain);
    expect(train).toMatchObject({ shape: [2], classes: 3 });
    expect([...train.inputs.subarray(0, 4)]).toEqual([0, 255, 1, 255]);
    expect([...test.inputs]).toEqual([9, 255]);
    const named = recordsFromCsv(`a,label,b\n${'4,1,5\n'.repeat(10)}`);
    expect([...named.train.inputs.subarray(0, 2)]).toEqual([4, 5]);
    expect(named.train.labels[0]).toBe(1);
  });

  it.each([
    ['1,2\n1,x', /line 2.*whole number/],
    ['1,2\n1,2,3', /line 2.*columns/],
    ['label,a\n1,256', /line 2/],
    ['', /no records/],
  ])('is refused with the line: %j', (text, message) => {
    expect(() => recordsFromCsv(text)).toThrow(message);
  });
});

it('text is cut into windows, each with the byte after it', () => {
  const { train, test } = recordsFromText(utf8('abcdefghij'.repeat(5)), 4);
  expect(new TextDecoder().decode(train.inputs.subarray(0, 8))).toBe('abcdefgh');
  expect([train.labels[0], train.shape, test.labels.length]).toEqual([101, [4], 1]);
  expect(() => recordsFromText(utf8('short'), 4)).toThrow('too short');
});
