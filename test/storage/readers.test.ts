/** Readers of data files that people have: NPZ, CSV, text. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../core/index.ts';
import {
  bytesInMemory,
  collect,
  createMemoryStore,
  importDataset,
  openDataset,
  openNpz,
  spool,
  spoolSplit,
  streamCsv,
  streamText,
} from '../../storage/index.ts';
import { npy, zip } from '../support/npz.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-readers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const wide = (values: number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
const arrays = (labels: Uint8Array) => ({
  'x_train.npy': npy([2, 1, 3], Uint8Array.of(1, 2, 3, 4, 5, 6), '|u1'),
  'y_train.npy': npy([2], labels, '<i8'),
  'x_test.npy': npy([1, 1, 3], Uint8Array.of(7, 8, 9), '|u1'),
  'y_test.npy': npy([1], wide([1]), '<i8'),
});
const readNpz = async (file: Uint8Array) => {
  const streamOf = await openNpz(bytesInMemory(file));
  return { train: await collect(await streamOf('train')), test: await collect(await streamOf('test')) };
};

describe('NPZ', () => {
  it.each([true, false])('gives its records, deflated: %s', async (deflated) => {
    const { train, test } = await readNpz(zip(arrays(wide([0, 3])), deflated));
    expect(train).toEqual({
      inputs: Uint8Array.of(1, 2, 3, 4, 5, 6),
      labels: Uint8Array.of(0, 3),
      shape: [1, 3, 1],
      classes: 4,
    });
    expect(test).toMatchObject({ labels: Uint8Array.of(1), inputs: Uint8Array.of(7, 8, 9) });
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
  ])('with %s is refused', async (_, file, message) => {
    await expect(readNpz(file)).rejects.toThrow(message);
  });

  it('that unpacks to more than it says is refused', async () => {
    const x = npy([2, 1, 3], new Uint8Array(6), '|u1');
    const bomb = zip(
      { ...arrays(wide([0, 1])), 'x_train.npy': Buffer.concat([x, new Uint8Array(1 << 20)]) },
      true,
    );
    const at = Buffer.from(bomb).lastIndexOf('x_train.npy') - 46 + 24;
    new DataView(bomb.buffer, bomb.byteOffset).setUint32(at, x.length, true);
    await expect(readNpz(bomb)).rejects.toThrow('more than it says');
  });
});

const readCsv = async (text: string) => spoolSplit(folder, await streamCsv(bytesInMemory(utf8(text))));

describe('CSV', () => {
  it('takes the label from the first column, or from one of that name', async () => {
    const plain = Array.from({ length: 10 }, (_, i) => `${i % 3}, ${i},255`).join('\r\n');
    const { train, test } = await readCsv(plain);
    expect(train).toMatchObject({ shape: [2], classes: 3, count: 9 });
    expect([...train.read([1, 0]).inputs]).toEqual([1, 255, 0, 255]);
    expect([...test.range(0, 1)]).toEqual([9, 255, 0]);
    const named = await readCsv(`a,label,b\n${'4,1,5\n'.repeat(10)}`);
    expect([...named.train.range(0, 1)]).toEqual([4, 5, 1]);
    // Scratch files have no names: nothing is left behind.
    expect(await readdir(folder)).toEqual([]);
    for (const set of [train, test, named.train, named.test]) await set.close();
  });

  it.each([
    ['1,2\n1,x', /line 2.*whole number/],
    ['1,2\n1,2,3', /line 2.*columns/],
    ['1,2\n\n1,2', /line 2/],
    ['label,a\n1,256', /line 2/],
    ['label,a\n1,1 2', /line 2/],
    ['', /no records/],
  ])('is refused with the line: %j', async (text, message) => {
    await expect(readCsv(text)).rejects.toThrow(message);
  });
});

it('text is cut into windows, each with the byte after it', async () => {
  const source = bytesInMemory(utf8('abcdefghij'.repeat(5)));
  const { train, test } = await spoolSplit(folder, streamText(source, 4));
  expect(new TextDecoder().decode(train.read([0, 1]).inputs)).toBe('abcdefgh');
  expect([train.read([0]).labels[0], train.shape, train.classes, test.count]).toEqual([101, [4], 107, 1]);
  expect(() => streamText(bytesInMemory(utf8('short')), 4)).toThrow('too short');
  for (const set of [train, test]) await set.close();
});

it('records in a scratch file and in memory give the same data set', async () => {
  const count = 1_500;
  const inputs = Uint8Array.from({ length: 700 * count }, (_, i) => (i * 31) >> 3);
  const records = { inputs, labels: new Uint8Array(count).fill(1), shape: [700], classes: 2 };
  async function* chunks() {
    for (let at = 0; at < count; at += 7)
      yield {
        inputs: inputs.subarray(at * 700, (at + 7) * 700),
        labels: records.labels.subarray(at, at + 7),
      };
  }
  const set = await spool(folder, { shape: [700], chunks: chunks() });
  const content = await createMemoryStore();
  const about = { name: 'x', licence: 'CC0-1.0' };
  const streamed = await importDataset(content, { kind: 'set', set }, about);
  const whole = await importDataset(content, { kind: 'records', ...records }, about);
  expect(streamed.manifestCid).toBe(whole.manifestCid);
  const back = await openDataset(content, streamed.manifestCid);
  expect(set.read([1_499, 3])).toEqual(await back.read([1_499, 3]));
  await set.close();
});
