/** A Parquet file as a stream of records: columns of numbers, a column of lists of one length, or one of images or bytes; page by page. */
import type { ByteSource } from '../bytes.ts';
import { labelColumn } from '../csv.ts';
import { checkExpansion } from '../expansion.ts';
import { checkShape, chunkRecords, type RecordBatch, type RecordStream, sizeOf } from '../record.ts';
import { type Column, type Held, openColumn } from './column.ts';
import { type Footer, type Leaf, readFooter } from './footer.ts';
import { badParquet } from './thrift.ts';

/** Pixels of an image file in a column. Throws what it likes. */
export type DecodeImage = (bytes: Uint8Array) => Pixels | undefined | Promise<Pixels | undefined>;

interface Pixels {
  readonly pixels: Uint8Array;
  readonly shape: readonly number[];
}

interface Columns {
  readonly label: Column;
  readonly features: readonly { readonly column: Column; readonly leaf: Leaf }[];
}

/** The leaf that a top-level column is read by: its only one, or the bytes of a struct of bytes and path. */
function leafOf(name: string, leaves: readonly Leaf[]): Leaf {
  const own = leaves.filter(({ path }) => path[0] === name);
  const found = own.length === 1 ? own[0] : own.find(({ path }) => path.at(-1) === 'bytes');
  if (!found || found.repetitionLevels > 1 || found.isDecimal)
    throw badParquet(`column ${name}: neither a number, a list of numbers nor bytes`, {
      parts: own.map(({ path }) => path.join('.')),
    });
  return found;
}

function columnsOf(source: ByteSource, { leaves }: Footer): Columns {
  const names = [...new Set(leaves.map(({ path }) => path[0] ?? ''))];
  if (names.length < 2) throw badParquet('it needs a column for the label and one of the input', { names });
  const place = labelColumn(names);
  const held: Held = { bytes: 0 };
  const open = (name: string) => {
    const leaf = leafOf(name, leaves);
    return { leaf, column: openColumn(source, leaf, held) };
  };
  const label = open(names[place]!);
  if (isBytes(label.leaf) || label.leaf.repetitionLevels > 0)
    throw badParquet(`column ${names[place]}: the label is not a number`);
  return { label: label.column, features: names.toSpliced(place, 1).map(open) };
}

const isBytes = ({ type }: Leaf): boolean => type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY';

/** One feature's bytes for some rows, row after row, and the shape of one. */
interface Part {
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
}

async function takePart(
  { column, leaf }: Columns['features'][number],
  rows: number,
  firstRow: number,
  decode: DecodeImage,
): Promise<Part> {
  const values = await column.take(rows);
  if (values instanceof Uint8Array) return { bytes: values, shape: [await column.width()] };
  if (leaf.repetitionLevels > 0) throw badParquet(`column ${column.name}: lists of bytes`);
  const images: Pixels[] = [];
  for (const [i, value] of values.entries()) {
    try {
      images.push((await decode(value)) ?? { pixels: value, shape: [value.length] });
    } catch (cause) {
      throw badParquet(`column ${column.name}, row ${firstRow + i}: ${(cause as Error).message}`, {}, cause);
    }
  }
  const shape = images[0]?.shape ?? [];
  const odd = images.findIndex((image) => image.shape.join() !== shape.join());
  if (odd >= 0)
    throw badParquet(`column ${column.name}, row ${firstRow + odd}: of another size than those before`, {
      got: images[odd]!.shape,
      expected: shape,
    });
  const bytes = new Uint8Array(rows * sizeOf(shape));
  for (const [i, { pixels }] of images.entries()) bytes.set(pixels, i * sizeOf(shape));
  return { bytes, shape };
}

function assemble(parts: readonly Part[], labels: Uint8Array): RecordBatch {
  if (parts.length === 1) return { inputs: parts[0]!.bytes, labels };
  const sizes = parts.map(({ shape }) => sizeOf(shape));
  const size = sizes.reduce((sum, one) => sum + one, 0);
  const inputs = new Uint8Array(labels.length * size);
  let before = 0;
  for (const [p, { bytes }] of parts.entries()) {
    const own = sizes[p]!;
    for (let row = 0; row < labels.length; row++)
      inputs.set(bytes.subarray(row * own, (row + 1) * own), row * size + before);
    before += own;
  }
  return { inputs, labels };
}

const shapeOf = (parts: readonly Part[]): readonly number[] =>
  parts.length === 1 ? parts[0]!.shape : [parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0)];

/** The label is the column named label or class, else the first. Throws `BAD_PARQUET`, `BAD_RECORDS`, `TOO_LARGE`. */
export async function streamParquet(
  source: ByteSource,
  decode: DecodeImage = () => undefined,
): Promise<RecordStream> {
  const footer = await readFooter(source);
  if (footer.rows < 1) throw badParquet('it has no rows');
  checkShape([1], footer.rows);
  const columns = columnsOf(source, footer);
  // One row tells the shape; it is the first of the batches.
  const batches = readRows(source, footer, columns, decode);
  const first = await batches.next();
  if (first.done) throw badParquet('it has no rows');
  const { shape } = first.value;
  const chunks = async function* (): AsyncGenerator<RecordBatch> {
    yield first.value.batch;
    for await (const { batch } of batches) yield batch;
  };
  return { shape, chunks: chunks() };
}

interface Rows {
  readonly shape: readonly number[];
  readonly batch: RecordBatch;
}

async function* readRows(
  source: ByteSource,
  { groups, rows: total }: Footer,
  { label, features }: Columns,
  decode: DecodeImage,
): AsyncGenerator<Rows> {
  const all = [label, ...features.map(({ column }) => column)];
  let [done, atOnce] = [0, 1];
  let shape: readonly number[] | undefined;
  for (const [index, group] of groups.entries()) {
    for (const column of all) column.open(group, index);
    for (let left = group.rows; left > 0; ) {
      const rows = Math.min(left, atOnce);
      const labels = await label.take(rows);
      if (!(labels instanceof Uint8Array))
        throw badParquet(`column ${label.name}: the label is not a number`);
      const parts: Part[] = [];
      for (const feature of features) parts.push(await takePart(feature, rows, done, decode));
      const own = shapeOf(parts);
      if (!shape) {
        shape = own;
        checkShape(shape, total);
        checkExpansion(source.size, total * (sizeOf(shape) + 1));
        atOnce = chunkRecords(sizeOf(shape));
      } else if (own.join() !== shape.join())
        throw badParquet(`row ${done}: of another size than those before`, { got: own, expected: shape });
      yield { shape, batch: assemble(parts, labels) };
      done += rows;
      left -= rows;
    }
    for (const column of all) await column.finish();
  }
}
