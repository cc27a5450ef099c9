/** NPZ files as Keras' data sets come: arrays x_train, y_train, x_test, y_test of whole numbers. */
import type { Records } from './import.ts';
import { badNpz, unzip } from './zip.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_RANK = 4;

interface NpyArray {
  readonly dims: readonly number[];
  /** Each 0 … 255. */
  readonly data: Uint8Array;
}

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

/** Throws `BAD_NPZ` unless it holds whole numbers from 0 to 255 in C order. */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  if (MAGIC.some((byte, i) => bytes[i] !== byte) || bytes.length < 12) throw badNpz(`${name}: not an array`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[6]! > 1;
  const start = (long ? 12 : 10) + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  if (start > bytes.length) throw badNpz(`${name}: its header is cut off`);
  const header = new TextDecoder('latin1').decode(bytes.subarray(long ? 12 : 10, Math.min(start, 4096)));
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const width = WIDTHS[type];
  if (width === undefined || shape === undefined || !/'fortran_order':\s*False/.test(header))
    throw badNpz(`${name}: only whole numbers in C order are read`, { type, expected: Object.keys(WIDTHS) });
  const dims = shape
    .split(',')
    .map((side) => side.trim())
    .filter(Boolean)
    .map(Number);
  const size = dims.reduce((product, side) => product * side, 1);
  if (dims.length > MAX_RANK || size * width !== bytes.length - start)
    throw badNpz(`${name}: the length does not fit the shape`, { dims, got: bytes.length - start });
  return { dims, data: narrowed(bytes.subarray(start), width, name) };
}

/** The low byte of each element; the others must be 0. */
function narrowed(data: Uint8Array, width: number, name: string): Uint8Array {
  if (width === 1) return data;
  const out = new Uint8Array(data.length / width);
  data.forEach((byte, i) => {
    if (i % width === 0) out[i / width] = byte;
    else if (byte !== 0)
      throw badNpz(`${name}: a value is not from 0 to 255`, { index: Math.floor(i / width) });
  });
  return out;
}

function recordsOf(arrays: ReadonlyMap<string, Uint8Array>, set: string, classes?: number): Records {
  const [x, y] = [`x_${set}.npy`, `y_${set}.npy`].map((name) => {
    const found = arrays.get(name);
    if (!found) throw badNpz(`it has no array ${name.slice(0, -4)}`, { got: [...arrays.keys()] });
    return parseNpy(found, name.slice(0, -4));
  }) as [NpyArray, NpyArray];
  const [count, ...sides] = x.dims;
  if (sides.length === 0 || y.data.length !== count)
    throw badNpz(`x_${set} and y_${set} do not belong together`, { x: x.dims, y: y.dims });
  const highest = y.data.reduce((most, label) => Math.max(most, label), 0);
  const shape = sides.length === 2 ? [...sides, 1] : sides;
  return { inputs: x.data, labels: y.data, shape, classes: classes ?? Math.max(2, highest + 1) };
}

/** Throws `BAD_NPZ`. */
export function recordsFromNpz(file: Uint8Array): { train: Records; test: Records } {
  const arrays = unzip(file, (name) => /^[xy]_(?:train|test)\.npy$/.test(name));
  const train = recordsOf(arrays, 'train');
  return { train, test: recordsOf(arrays, 'test', train.classes) };
}
