/** NPZ files as Keras' data sets come: arrays x_train, y_train, x_test, y_test of whole numbers, read member by member. */
import { type ByteSource, type Puller, pullFrom } from './bytes.ts';
import { checkShape, chunkRecords, highest, type RecordBatch, type RecordStream, sizeOf } from './record.ts';
import { badNpz, readZip, type ZipMember } from './zip.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_RANK = 4;
const MAX_HEAD_BYTES = 65_536;

/** Bytes of one element by NumPy's name of the type; all little-endian or of one byte. */
const WIDTHS: Readonly<Record<string, number>> = {
  '|u1': 1,
  '|b1': 1,
  '|i1': 1,
  '<u2': 2,
  '<i2': 2,
  '<u4': 4,
  '<i4': 4,
  '<u8': 8,
  '<i8': 8,
};

export interface NpyHead {
  readonly dims: readonly number[];
  /** Bytes of an element. */
  readonly width: number;
}

/** The head of an array, and the reader left at its data. Throws `BAD_NPZ` unless it is of whole numbers in C order. */
export async function readNpyHead(bytes: Puller, name: string, size: number): Promise<NpyHead> {
  const lead = await bytes.take(10);
  if (MAGIC.some((byte, i) => lead[i] !== byte) || lead.length < 10) throw badNpz(`${name}: not an array`);
  const isLong = lead[6]! > 1;
  const high = isLong ? await bytes.take(2) : new Uint8Array(2);
  const length = lead[8]! + 256 * lead[9]! + 65_536 * ((high[0] ?? 0) + 256 * (high[1] ?? 0));
  if (length > MAX_HEAD_BYTES) throw badNpz(`${name}: its head is too long`, { got: length });
  const head = await bytes.take(length);
  if (head.length < length) throw badNpz(`${name}: its head is cut off`);
  const text = new TextDecoder('latin1').decode(head);
  const type = /'descr':\s*'([^']+)'/.exec(text)?.[1] ?? '';
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  const width = WIDTHS[type];
  if (width === undefined || shape === undefined || !/'fortran_order':\s*False/.test(text))
    throw badNpz(`${name}: only whole numbers in C order are read`, { type, expected: Object.keys(WIDTHS) });
  const dims = shape
    .split(',')
    .map((side) => side.trim())
    .filter(Boolean)
    .map(Number);
  const data = size - 10 - (isLong ? 2 : 0) - length;
  if (dims.length > MAX_RANK || sizeOf(dims) * width !== data)
    throw badNpz(`${name}: the length does not fit the shape`, { dims, got: data });
  return { dims, width };
}

/** The low byte of each element; the others must be 0. `first`: number of the first element. */
function narrowed(data: Uint8Array, width: number, name: string, first: number): Uint8Array {
  if (width === 1) return data;
  const out = new Uint8Array(data.length / width);
  for (let i = 0; i < data.length; i++) {
    if (i % width === 0) out[i / width] = data[i]!;
    else if (data[i] !== 0)
      throw badNpz(`${name}: a value is not from 0 to 255`, { index: first + Math.floor(i / width) });
  }
  return out;
}

function memberOf(members: ReadonlyMap<string, ZipMember>, name: string): ZipMember {
  const found = members.get(`${name}.npy`);
  if (!found) throw badNpz(`it has no array ${name}`, { got: [...members.keys()] });
  return found;
}

async function readLabels(member: ZipMember, name: string): Promise<Uint8Array> {
  const bytes = pullFrom(member.stream());
  const { dims, width } = await readNpyHead(bytes, name, member.size);
  const count = sizeOf(dims);
  checkShape([1], count);
  const data = await bytes.take(count * width);
  if (data.length < count * width) throw badNpz(`${name}: it is cut off`);
  const rest = await bytes.take(1);
  if (rest.length > 0) throw badNpz(`${name}: it goes on behind its end`);
  return narrowed(data, width, name, 0);
}

async function streamSet(members: ReadonlyMap<string, ZipMember>, set: string): Promise<RecordStream> {
  const [xName, yName] = [`x_${set}`, `y_${set}`];
  const [x, y] = [memberOf(members, xName), memberOf(members, yName)];
  const labels = await readLabels(y, yName);
  const bytes = pullFrom(x.stream());
  const { dims, width } = await readNpyHead(bytes, xName, x.size);
  const [count, ...sides] = dims;
  if (sides.length === 0 || labels.length !== count) {
    await bytes.stop();
    throw badNpz(`${xName} and ${yName} do not belong together`, { x: dims, y: labels.length });
  }
  const shape = sides.length === 2 ? [...sides, 1] : sides;
  checkShape(shape, count);
  const size = sizeOf(shape);
  async function* chunks(): AsyncGenerator<RecordBatch> {
    const most = chunkRecords(size * width);
    for (let done = 0; done < labels.length; done += most) {
      const part = labels.subarray(done, done + most);
      const data = await bytes.take(part.length * size * width);
      if (data.length < part.length * size * width) throw badNpz(`${xName}: it is cut off`);
      yield { inputs: narrowed(data, width, xName, done * size), labels: part };
    }
    // The member's own checks stand behind its last byte.
    await bytes.take(1);
  }
  return { shape, classes: () => Math.max(2, highest(labels) + 1), chunks: chunks() };
}

/** The set as a stream; streams must be read one after the other. Throws `BAD_NPZ`. */
export async function openNpz(source: ByteSource): Promise<(set: 'train' | 'test') => Promise<RecordStream>> {
  const members = await readZip(source, (name) => /^[xy]_(?:train|test)\.npy$/.test(name));
  for (const name of ['x_train', 'y_train', 'x_test', 'y_test']) memberOf(members, name);
  return (set) => streamSet(members, set);
}
