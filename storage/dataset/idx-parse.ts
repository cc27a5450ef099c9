/** The IDX format of the MNIST files (http://yann.lecun.com/exdb/mnist), unpacked, with bounds. Reads no files: a browser loads it. */
import { FedaiError } from '../../core/index.ts';
import type { Records } from './import.ts';

const UNSIGNED_BYTE = 0x08;

export interface IdxArray {
  dims: number[];
  data: Uint8Array;
}

/** Throws `BAD_IDX` on a wrong magic number, type or length. */
export function parsePlainIdx(bytes: Uint8Array, name: string): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rank = bytes[3] ?? 0;
  const header = 4 + 4 * rank;
  if (
    bytes[0] !== 0 ||
    bytes[1] !== 0 ||
    bytes[2] !== UNSIGNED_BYTE ||
    rank < 1 ||
    rank > 4 ||
    bytes.length < header
  ) {
    throw badIdx(name, 'not an IDX file of unsigned bytes', {
      got: [...bytes.subarray(0, 4)],
      expected: [0, 0, 8, '1…4'],
    });
  }
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = dims.reduce((product, side) => product * side, 1);
  if (bytes.length - header !== expected) {
    throw badIdx(name, 'the length does not fit the dimensions', {
      dims,
      got: bytes.length - header,
      expected,
    });
  }
  return { dims, data: bytes.subarray(header) };
}

/** Images (rank 3: count, rows, columns; or rank 4 with channels) and labels (rank 1) as records. */
export function recordsOfIdx(image: IdxArray, label: IdxArray, classes?: number): Records {
  if (image.dims.length < 3 || label.dims.length !== 1 || image.dims[0] !== label.dims[0]) {
    throw badIdx('IDX pair', 'images and labels do not belong together', {
      images: image.dims,
      labels: label.dims,
    });
  }
  const [, ...sides] = image.dims as [number, ...number[]];
  const shape = sides.length === 2 ? [...sides, 1] : sides;
  const highest = label.data.reduce((max, value) => Math.max(max, value), 0);
  return { inputs: image.data, labels: label.data, shape, classes: classes ?? Math.max(2, highest + 1) };
}

const NAME = /ubyte(\.gz)?$|idx\d?(\.gz)?$/;

/** The file of a set as MNIST comes: `train-*`, `t10k-*` or `test-*`, gzipped or not. */
export const idxFileOf = (
  names: readonly string[],
  set: RegExp,
  kind: 'images' | 'labels',
): string | undefined => names.find((name) => set.test(name) && name.includes(kind) && NAME.test(name));

export const TRAIN_SET = /^train/;
export const TEST_SET = /^(?:t10k|test)/;

export function badIdx(name: string, message: string, data: Record<string, unknown>): FedaiError {
  return new FedaiError('BAD_IDX', `${name}: ${message}`, data, {
    remedy: 'check that the file is complete',
  });
}
