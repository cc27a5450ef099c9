/** The footer of a Parquet file: its columns as leaves of a schema, and where each of their chunks lies. */
import type { ByteSource } from '../bytes.ts';
import {
  badParquet,
  numberIn,
  readThrift,
  structIn,
  structsIn,
  type ThriftStruct,
  textIn,
} from './thrift.ts';

/** Of some thousand columns or row groups. */
const MAX_FOOTER_BYTES = 16 * 1024 * 1024;
const MAX_FOOTER_VALUES = 2 ** 20;
const MAX_SCHEMA_DEPTH = 8;
const MAGIC = 'PAR1';
const TAIL_BYTES = 8;
const [OPTIONAL, REPEATED] = [1, 2];
const DECIMAL = 5;

/** Physical types by their numbers. */
export const PHYSICAL = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
] as const;
export type Physical = (typeof PHYSICAL)[number];

export interface Leaf {
  /** Place among all leaves: chunks of a row group stand in that order. */
  readonly index: number;
  readonly path: readonly string[];
  readonly type: Physical;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly length: number;
  readonly definitionLevels: number;
  readonly repetitionLevels: number;
  /** Whole numbers that stand for fractions. */
  readonly isDecimal: boolean;
}

export interface ColumnChunk {
  readonly codec: number;
  readonly values: number;
  readonly start: number;
  readonly end: number;
}

export interface RowGroup {
  readonly rows: number;
  readonly chunks: readonly ColumnChunk[];
}

export interface Footer {
  readonly leaves: readonly Leaf[];
  readonly rows: number;
  readonly groups: readonly RowGroup[];
}

function leavesOf(schema: readonly ThriftStruct[]): Leaf[] {
  const leaves: Leaf[] = [];
  let at = 0;
  const walk = (path: readonly string[], definition: number, repetition: number): void => {
    const element = schema[at++];
    if (!element || path.length > MAX_SCHEMA_DEPTH) throw badParquet('its schema is damaged', { path });
    const isRoot = at === 1;
    const repeats = isRoot ? 0 : (numberIn(element, 3) ?? 0);
    const [d, r] = [
      definition + (repeats === OPTIONAL || repeats === REPEATED ? 1 : 0),
      repetition + (repeats === REPEATED ? 1 : 0),
    ];
    const own = isRoot ? [] : [...path, textIn(element, 4)];
    const children = numberIn(element, 5) ?? 0;
    if (children > 0 || isRoot) {
      if (children > schema.length) throw badParquet('its schema is damaged', { path: own.join('.') });
      for (let i = 0; i < children; i++) walk(own, d, r);
      return;
    }
    const type = PHYSICAL[numberIn(element, 1) ?? -1];
    if (!type) throw badParquet(`column ${own.join('.')}: of an unknown type`);
    const length = numberIn(element, 2) ?? 0;
    leaves.push({
      index: leaves.length,
      path: own,
      type,
      length,
      definitionLevels: d,
      repetitionLevels: r,
      isDecimal: numberIn(element, 6) === DECIMAL,
    });
  };
  walk([], 0, 0);
  return leaves;
}

function chunkOf(column: ThriftStruct, place: string, size: number): ColumnChunk {
  const meta = structIn(column, 3);
  if (!meta || column.has(1)) throw badParquet(`${place}: its data are not in this file`);
  const [data, dictionary] = [numberIn(meta, 9) ?? -1, numberIn(meta, 11) ?? 0];
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const end = start + (numberIn(meta, 7) ?? -1);
  const values = numberIn(meta, 5) ?? -1;
  if (start < MAGIC.length || end <= start || end > size - TAIL_BYTES || !(values >= 0))
    throw badParquet(`${place}: it lies beyond the file`, { start, end, values });
  return { codec: numberIn(meta, 4) ?? 0, values, start, end };
}

/** Throws `BAD_PARQUET`. */
export async function readFooter(source: ByteSource): Promise<Footer> {
  const tail = await source.read(Math.max(0, source.size - TAIL_BYTES), TAIL_BYTES);
  if (new TextDecoder('latin1').decode(tail.subarray(4)) !== MAGIC)
    throw badParquet('not such a file, or cut off', { expected: `${MAGIC} at its end` });
  const length = new DataView(tail.buffer, tail.byteOffset, TAIL_BYTES).getUint32(0, true);
  const start = source.size - TAIL_BYTES - length;
  if (start < MAGIC.length || length > MAX_FOOTER_BYTES)
    throw badParquet('its footer does not fit', { length, expected: `<= ${MAX_FOOTER_BYTES}` });
  const { value } = readThrift(await source.read(start, length), 0, 'footer', MAX_FOOTER_VALUES);
  const leaves = leavesOf(structsIn(value, 2));
  const groups = structsIn(value, 4).map((group, g) => {
    const columns = structsIn(group, 1);
    const rows = numberIn(group, 3) ?? -1;
    if (columns.length !== leaves.length || !(rows >= 0))
      throw badParquet(`row group ${g}: it does not fit the schema`, { columns: columns.length, rows });
    const chunks = columns.map((column, i) =>
      chunkOf(column, `row group ${g}, column ${leaves[i]!.path.join('.')}`, source.size),
    );
    return { rows, chunks };
  });
  const rows = groups.reduce((total, group) => total + group.rows, 0);
  if (rows !== numberIn(value, 3)) throw badParquet('its row groups do not add up', { got: rows });
  return { leaves, rows, groups };
}
