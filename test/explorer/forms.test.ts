/** What is typed into the explorer's forms, and what it means. */
import { Interface, ParamType } from 'ethers';
import { describe, expect, test } from 'vitest';
import { emptyOf, TypedFault, typedValue } from '../../explorer/decode/typed.ts';
import { draftFrom, NEW_FORM, parseTrain, problemsOf } from '../../explorer/post/form.ts';
import { parseJob } from '../../job/index.ts';
import { LEAF_BYTES, leafCid } from '../../storage/browser.ts';
import { createMemoryStore } from '../../storage/index.ts';

const CID = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
const data = { train: { manifest: CID, encrypted: false }, test: { manifest: CID, encrypted: true } };
const type = (text: string): ParamType => ParamType.from(text);

test.each([
  ['1', 10n ** 18n],
  ['12,5', 125n * 10n ** 17n],
  ['0.000000000000000001', 1n],
])('%s TRAIN is %s wei', (text, wei) => expect(parseTrain(text)).toBe(wei));

test.each(['', '-1', '1e3', '1.0000000000000000001', 'lots'])('%j is no amount', (text) =>
  expect(parseTrain(text)).toBeUndefined(),
);

describe('typed values', () => {
  test.each([
    ['uint8', '256'],
    ['uint256', '-1'],
    ['int8', '128'],
    ['address', '0x12'],
    ['address', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD0'.slice(0, 42).replace('5a', '5A')],
    ['bytes32', '0x00'],
    ['bytes', 'abc'],
    ['bool', 'yes'],
    ['tuple(uint8 a)[]', '{'],
    ['uint8[2]', '1'],
  ])('%s takes no %j', (name, text) => {
    expect(() => typedValue(type(name), text)).toThrow(TypedFault);
  });

  test('what is right is what the ABI encodes', () => {
    const codec = new Interface([
      'function f((uint8 a, bool b)[] list, (address who, bytes data) one, int16[] ints)',
    ]);
    const { inputs } = codec.getFunction('f')!;
    const typed = ['[[1, true], {"a": "2", "b": false}]', [`0x${'11'.repeat(20)}`, '0x0102'], '-5\n7'];
    const values = inputs.map((input, i) => typedValue(input, typed[i]!));
    expect(codec.decodeFunctionData('f', codec.encodeFunctionData('f', values)).toArray(true)).toEqual([
      [
        [1n, true],
        [2n, false],
      ],
      [`0x${'11'.repeat(20)}`, '0x0102'],
      [-5n, 7n],
    ]);
    expect(emptyOf(inputs[1]!)).toEqual(['', '']);
  });
});

test.each(['cnn', 'mlp', 'text'] as const)('the template %s is a job document', (template) => {
  const form = { ...NEW_FORM, template };
  expect(problemsOf(form)).toEqual({});
  const draft = draftFrom(form, undefined, 10n ** 19n) as object;
  expect(parseJob({ ...draft, format: 'fedai-job/1', data }).document.name).toBe(form.name);
});

test('what is wrong with a form is said by field', () => {
  const form = { ...NEW_FORM, workers: '0', evaluators: '4', batchSize: '3', reward: '', target: '101' };
  expect(Object.keys(problemsOf(form)).sort()).toEqual([
    'batchSize',
    'evaluators',
    'reward',
    'target',
    'workers',
  ]);
  expect(Object.keys(problemsOf({ ...NEW_FORM, template: 'own', own: '{' }))).toEqual(['own']);
});

test('a block has in a page the id that a store gives it', async () => {
  const store = await createMemoryStore();
  for (const length of [0, 1_000, LEAF_BYTES]) {
    const bytes = new Uint8Array(length).fill(7);
    expect(leafCid(bytes)).toBe(await store.putBytes(bytes));
  }
  expect(() => leafCid(new Uint8Array(LEAF_BYTES + 1))).toThrow('larger than one block');
});
