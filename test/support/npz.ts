/** NumPy arrays and ZIP archives as `numpy.savez` writes them. */
import { deflateRawSync } from 'node:zlib';
import { concatBytes, utf8 } from '../../core/index.ts';

export function npy(dims: readonly number[], data: Uint8Array, type: string): Uint8Array {
  const shape = `${dims.join(', ')}${dims.length === 1 ? ',' : ''}`;
  const header = utf8(`{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }\n`);
  const head = Uint8Array.of(
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    1,
    0,
    header.length & 255,
    header.length >> 8,
  );
  return concatBytes(head, header, data);
}

const numbers = (...pairs: [value: number, bytes: number][]): Uint8Array =>
  concatBytes(
    ...pairs.map(([value, bytes]) =>
      Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) & 255),
    ),
  );

/** Checksums are left 0: readers of data sets compare sizes. */
export function zip(members: Record<string, Uint8Array>, deflated: boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, data] of Object.entries(members)) {
    const stored = deflated ? new Uint8Array(deflateRawSync(data)) : data;
    const about = numbers(
      [20, 2],
      [0, 2],
      [deflated ? 8 : 0, 2],
      [0, 4],
      [0, 4],
      [stored.length, 4],
      [data.length, 4],
      [name.length, 2],
      [0, 2],
    );
    const local = concatBytes(numbers([0x04034b50, 4]), about, utf8(name), stored);
    directory.push(
      concatBytes(
        numbers([0x02014b50, 4], [20, 2]),
        about,
        numbers([0, 2], [0, 2], [0, 2], [0, 4], [at, 4]),
        utf8(name),
      ),
    );
    parts.push(local);
    at += local.length;
  }
  const listing = concatBytes(...directory);
  const count = directory.length;
  const end = numbers([0x06054b50, 4], [0, 4], [count, 2], [count, 2], [listing.length, 4], [at, 4], [0, 2]);
  return concatBytes(...parts, listing, end);
}
