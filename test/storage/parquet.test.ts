/** Parquet sources: what another reader finds in a file, ours finds too; what lies is refused with its place. */
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import { bytesInMemory, collect, streamParquet } from '../../storage/index.ts';
import { parquet, type TestFile } from '../support/parquet.ts';

const COUNT = 50;
const numbers = (step: number): number[] => Array.from({ length: COUNT }, (_, i) => (i * step) % 256);
const lists = Array.from({ length: COUNT }, (_, i) => [i, 255 - i, (7 * i) % 256]);
const columns: TestFile['columns'] = [
  { name: 'a', type: 'int32', rows: numbers(3) },
  { name: 'Label', type: 'int64', rows: numbers(1).map((n) => n % 5), dictionary: true, optional: true },
  { name: 'b', type: 'float', rows: numbers(31), optional: true },
];
const read = async (file: TestFile) => collect(await streamParquet(bytesInMemory(parquet(file))));

/** What hyparquet finds, row by row, the label last. */
async function oracle(file: TestFile): Promise<number[][]> {
  const bytes = parquet(file);
  const rows = await parquetReadObjects({ file: Uint8Array.from(bytes).buffer, compressors });
  return rows.map(({ Label, ...row }) => [...Object.values(row).flat(), Label].map(Number));
}
const rowsOf = ({ inputs, labels }: { inputs: Uint8Array; labels: Uint8Array }): number[][] =>
  Array.from(labels, (label, i) => {
    const size = inputs.length / labels.length;
    return [...inputs.subarray(i * size, (i + 1) * size), label];
  });

describe('Parquet', () => {
  const label = columns[1]!;
  it.each<[string, TestFile]>([
    ['columns of numbers', { columns }],
    ['row groups and pages', { columns, groupRows: 20, pageRows: 7 }],
    ['gzip and second version', { columns, groupRows: 30, gzip: true, version: 2 }],
    ['lists of one length', { columns: [{ name: 'x', type: 'int32', rows: lists }, label], pageRows: 9 }],
    [
      'lists by dictionary',
      {
        columns: [label, { name: 'x', type: 'int64', rows: lists, dictionary: true, optional: true }],
        groupRows: 16,
        version: 2,
        gzip: true,
      },
    ],
  ])('%s are read as another reader reads them', async (_, file) => {
    const records = await read(file);
    expect(rowsOf(records)).toEqual(await oracle(file));
    expect(records).toMatchObject({ classes: 5, shape: [records.inputs.length / COUNT] });
  });

  it('bytes are pixels, or an image that is decoded', async () => {
    const rows = numbers(1).map((n) => Uint8Array.of(n, 1, 2, 3));
    const file: TestFile = { columns: [{ name: 'image', type: 'bytes', rows }, label] };
    expect((await read(file)).inputs.subarray(0, 8)).toEqual(Uint8Array.of(0, 1, 2, 3, 1, 1, 2, 3));
    const decode = (bytes: Uint8Array) => ({ pixels: bytes.subarray(0, 2), shape: [2, 1, 1] });
    const stream = await streamParquet(bytesInMemory(parquet(file)), decode);
    expect(await collect(stream)).toMatchObject({ shape: [2, 1, 1] });
    const uneven: TestFile = {
      columns: [{ ...file.columns[0]!, rows: rows.with(7, new Uint8Array(3)) }, label],
    };
    await expect(read(uneven)).rejects.toThrow(/column image, row 7: of another size/);
  });

  it.each<[string, TestFile, RegExp]>([
    [
      'a value above 255',
      { columns: [label, { ...columns[0]!, rows: numbers(3).with(9, 300) }] },
      /column a, page at byte \d+: a value is not/,
    ],
    [
      'a fraction',
      { columns: [label, { ...columns[2]!, rows: numbers(3).with(9, 0.5) }] },
      /column b.*not a whole/,
    ],
    [
      'lists of other lengths',
      { columns: [label, { name: 'x', type: 'int32', rows: lists.with(9, [1]) }] },
      /one length/,
    ],
    ['no second column', { columns: [label] }, /needs a column/],
    ['pages that claim a gigabyte', { columns, lies: { size: 2 ** 30 } }, /its size lies/],
    ['pages that claim more bytes than there are', { columns, lies: { packed: 2 ** 20 } }, /its size lies/],
    ['pages that claim more values', { columns, lies: { values: 2 ** 23 } }, /fewer values|runs end early/],
    ['pages that claim a billion values', { columns, lies: { values: 2 ** 30 } }, /number of values lies/],
    ['row groups that claim more rows', { columns, lies: { rows: 60 } }, /fewer rows/],
    ['more rows than any set has', { columns, lies: { rows: 2 ** 40 } }, /too many/],
    ['packed pages that unpack to more', { columns, gzip: true, lies: { size: 9 } }, /cannot be unpacked/],
  ])('with %s is refused with the place', async (_, file, message) => {
    await expect(read(file)).rejects.toThrow(message);
  });

  it('that is cut anywhere is refused', async () => {
    const bytes = parquet({ columns, gzip: true });
    for (const length of [0, 3, 11, bytes.length >> 1, bytes.length - 1]) {
      const source = bytesInMemory(bytes.slice(0, length));
      await expect(streamParquet(source).then(collect)).rejects.toMatchObject({ code: 'BAD_PARQUET' });
    }
  });
});
