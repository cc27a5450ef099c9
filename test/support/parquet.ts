/** Parquet files as pyarrow, DuckDB and polars write them, in small: version 1 and 2 pages, plain or by dictionary, in row groups. */
import { gzipSync } from 'node:zlib';
import { concatBytes, utf8 } from '../../core/index.ts';

const varint = (value: number): Uint8Array => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
};
const zigzag = (value: number): Uint8Array => varint(value < 0 ? -2 * value - 1 : 2 * value);

type Value =
  | number
  | boolean
  | string
  | Uint8Array
  | { list: 'i32' | 'binary' | 'struct'; of: Value[] }
  | Struct;
interface Struct {
  fields: [id: number, value: Value | undefined, wide?: 'i64'][];
}
const typeOf = (value: Value, wide?: 'i64'): number => {
  if (typeof value === 'boolean') return value ? 1 : 2;
  if (typeof value === 'number') return wide ? 6 : 5;
  if (typeof value === 'string' || value instanceof Uint8Array) return 8;
  return 'list' in value ? 9 : 12;
};
function encode(value: Value): Uint8Array {
  if (typeof value === 'boolean') return new Uint8Array(0);
  if (typeof value === 'number') return zigzag(value);
  if (typeof value === 'string') return encode(utf8(value));
  if (value instanceof Uint8Array) return concatBytes(varint(value.length), value);
  if ('list' in value) {
    const type = { i32: 5, binary: 8, struct: 12 }[value.list];
    return concatBytes(Uint8Array.of(0xf0 | type), varint(value.of.length), ...value.of.map(encode));
  }
  const parts: Uint8Array[] = [];
  for (const [id, field, wide] of value.fields)
    if (field !== undefined) parts.push(Uint8Array.of(typeOf(field, wide)), zigzag(id), encode(field));
  return concatBytes(...parts, Uint8Array.of(0));
}
const struct = (...fields: Struct['fields']): Struct => ({ fields });

export interface TestColumn {
  readonly name: string;
  readonly type: 'int32' | 'int64' | 'float' | 'bytes';
  /** One a row, or a list a row. */
  readonly rows: readonly (number | Uint8Array | readonly number[])[];
  readonly dictionary?: boolean;
  readonly optional?: boolean;
}
export interface TestFile {
  readonly columns: readonly TestColumn[];
  readonly groupRows?: number;
  readonly pageRows?: number;
  readonly gzip?: boolean;
  readonly version?: 1 | 2;
  /** Said of every page in place of the truth. */
  readonly lies?: { size?: number; packed?: number; values?: number; rows?: number };
}

const TYPES = { int32: 1, int64: 2, float: 4, bytes: 6 } as const;

function plain(type: TestColumn['type'], values: readonly (number | Uint8Array)[]): Uint8Array {
  const parts = values.map((value) => {
    if (value instanceof Uint8Array)
      return concatBytes(new Uint8Array(Uint32Array.of(value.length).buffer), value);
    if (type === 'int32') return new Uint8Array(Int32Array.of(value).buffer);
    if (type === 'float') return new Uint8Array(Float32Array.of(value).buffer);
    return new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
  });
  return concatBytes(...parts);
}

/** Groups of eight, packed: the form that dictionaries' places mostly have. */
function packed(values: readonly number[], width: number): Uint8Array {
  const groups = Math.ceil(values.length / 8);
  const out = new Uint8Array(groups * width);
  for (const [i, value] of values.entries())
    for (let bit = 0; bit < width; bit++)
      if ((value >> bit) & 1) out[(i * width + bit) >> 3]! |= 1 << ((i * width + bit) & 7);
  return concatBytes(varint(2 * groups + 1), out);
}
const run = (count: number, value: number): Uint8Array =>
  concatBytes(varint(2 * count), Uint8Array.of(value));
const framed = (bytes: Uint8Array): Uint8Array =>
  concatBytes(new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes);

const isList = ({ rows }: TestColumn): boolean => Array.isArray(rows[0]);

interface Written {
  readonly bytes: Uint8Array;
  readonly values: number;
  readonly hasDictionary: boolean;
  readonly dictionaryBytes: number;
}

function writeChunk(column: TestColumn, rows: TestColumn['rows'], file: TestFile): Written {
  const { gzip = false, version = 1, pageRows = rows.length, lies = {} } = file;
  const pack = (bytes: Uint8Array): Uint8Array => (gzip ? new Uint8Array(gzipSync(bytes)) : bytes);
  const distinct = [...new Set(rows.flat() as (number | Uint8Array)[])];
  const parts: Uint8Array[] = [];
  const page = (type: number, body: Uint8Array, size: number, about: [number, Struct]): void => {
    const head = struct([1, type], [2, lies.size ?? size], [3, lies.packed ?? body.length], about);
    parts.push(encode(head), body);
  };
  if (column.dictionary) {
    const bytes = plain(column.type, distinct);
    page(2, pack(bytes), bytes.length, [7, struct([1, distinct.length], [2, 0])]);
  }
  const dictionaryBytes = parts.reduce((sum, { length }) => sum + length, 0);
  let total = 0;
  for (let first = 0; first < rows.length; first += pageRows) {
    const own = rows.slice(first, first + pageRows);
    const values = own.flat() as (number | Uint8Array)[];
    const width = Math.max(1, 32 - Math.clz32(distinct.length - 1));
    const body = column.dictionary
      ? concatBytes(
          Uint8Array.of(width),
          packed(
            values.map((value) => distinct.indexOf(value)),
            width,
          ),
        )
      : plain(column.type, values);
    const levels: Uint8Array[] = [];
    if (isList(column))
      levels.push(
        packed(
          (own as number[][]).flatMap((row) => row.map((_, i) => (i === 0 ? 0 : 1))),
          1,
        ),
      );
    if (column.optional || isList(column))
      levels.push(run(values.length, (column.optional ? 1 : 0) + (isList(column) ? 1 : 0)));
    const count = lies.values ?? values.length;
    const encoding = column.dictionary ? 8 : 0;
    total += values.length;
    if (version === 1) {
      const bytes = concatBytes(...levels.map(framed), body);
      page(0, pack(bytes), bytes.length, [5, struct([1, count], [2, encoding], [3, 3], [4, 3])]);
    } else {
      const [repetition, definition] = isList(column)
        ? levels
        : [new Uint8Array(0), levels[0] ?? new Uint8Array(0)];
      const ahead = concatBytes(repetition!, definition!);
      const about = struct(
        [1, count],
        [2, 0],
        [3, own.length],
        [4, encoding],
        [5, definition!.length],
        [6, repetition!.length],
        [7, gzip],
      );
      page(3, concatBytes(ahead, pack(body)), ahead.length + body.length, [8, about]);
    }
  }
  return {
    bytes: concatBytes(...parts),
    values: total,
    hasDictionary: column.dictionary === true,
    dictionaryBytes,
  };
}

function schemaOf({ columns }: TestFile): Value[] {
  const parts: Value[] = [struct([4, 'schema'], [5, columns.length])];
  for (const column of columns) {
    const { name, type, optional } = column;
    if (isList(column))
      parts.push(
        struct([3, optional ? 1 : 0], [4, name], [5, 1], [6, 3]),
        struct([3, 2], [4, 'list'], [5, 1]),
        struct([1, TYPES[type]], [3, 0], [4, 'element']),
      );
    else parts.push(struct([1, TYPES[type]], [3, optional ? 1 : 0], [4, name]));
  }
  return parts;
}

export function parquet(file: TestFile): Uint8Array {
  const { columns, gzip = false, lies = {} } = file;
  const rows = columns[0]!.rows.length;
  const groupRows = file.groupRows ?? rows;
  const parts: Uint8Array[] = [utf8('PAR1')];
  let at = 4;
  const groups: Value[] = [];
  for (let first = 0; first < rows; first += groupRows) {
    const count = Math.min(groupRows, rows - first);
    const chunks = columns.map((column) => {
      const written = writeChunk(column, column.rows.slice(first, first + count), file);
      parts.push(written.bytes);
      const path = isList(column) ? [column.name, 'list', 'element'] : [column.name];
      const meta = struct(
        [1, TYPES[column.type]],
        [2, { list: 'i32', of: [0, 8, 3] }],
        [3, { list: 'binary', of: path }],
        [4, gzip ? 2 : 0],
        [5, written.values, 'i64'],
        [6, written.bytes.length, 'i64'],
        [7, written.bytes.length, 'i64'],
        [9, at + written.dictionaryBytes, 'i64'],
        [11, written.hasDictionary ? at : undefined, 'i64'],
      );
      at += written.bytes.length;
      return struct([2, at, 'i64'], [3, meta]);
    });
    groups.push(struct([1, { list: 'struct', of: chunks }], [2, 0, 'i64'], [3, lies.rows ?? count, 'i64']));
  }
  const footer = encode(
    struct(
      [1, 1],
      [2, { list: 'struct', of: schemaOf(file) }],
      [3, lies.rows === undefined ? rows : lies.rows * groups.length, 'i64'],
      [4, { list: 'struct', of: groups }],
    ),
  );
  return concatBytes(...parts, footer, new Uint8Array(Uint32Array.of(footer.length).buffer), utf8('PAR1'));
}
