/** Values of a Parquet page: whole numbers from 0 to 255 as bytes, or byte strings. */
import type { Leaf, Physical } from './footer.ts';
import { readHybrid } from './levels.ts';
import type { Page } from './pages.ts';
import { badParquet } from './thrift.ts';

const [PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY] = [0, 2, 3, 8];

/** One byte a number, or one string a record. */
export type Values = Uint8Array | readonly Uint8Array[];
export type ReadValues = (page: Page) => Values | undefined;

const WIDTHS: Readonly<Partial<Record<Physical, number>>> = { INT32: 4, INT64: 8, FLOAT: 4, DOUBLE: 8 };

const notByte = (page: Page, index: number): Error =>
  badParquet(`${page.place}: a value is not a whole number from 0 to 255`, { value: index });

function need(page: Page, bytes: number): void {
  if (bytes > page.bytes.length)
    throw badParquet(`${page.place}: it holds fewer values than it says`, { count: page.count });
}

function plainFloats(page: Page, width: number): Uint8Array {
  const view = new DataView(page.bytes.buffer, page.bytes.byteOffset, page.bytes.byteLength);
  return Uint8Array.from({ length: page.count }, (_, i) => {
    const value = width === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true);
    if (!(Number.isInteger(value) && value >= 0 && value <= 255)) throw notByte(page, i);
    return value;
  });
}

/** Little-endian whole numbers: the low byte, where the others are 0. */
function plainWhole(page: Page, width: number): Uint8Array {
  const out = new Uint8Array(page.count);
  for (let i = 0; i < out.length; i++) {
    for (let high = 1; high < width; high++) if (page.bytes[i * width + high] !== 0) throw notByte(page, i);
    out[i] = page.bytes[i * width]!;
  }
  return out;
}

function plainStrings(page: Page, { type, length }: Leaf): Uint8Array[] {
  const view = new DataView(page.bytes.buffer, page.bytes.byteOffset, page.bytes.byteLength);
  const out: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; i < page.count; i++) {
    if (type === 'BYTE_ARRAY') at += 4;
    const size =
      type === 'FIXED_LEN_BYTE_ARRAY'
        ? length
        : at <= page.bytes.length
          ? view.getUint32(at - 4, true)
          : Number.POSITIVE_INFINITY;
    if (size > page.bytes.length - at)
      throw badParquet(`${page.place}: a string leads beyond the end`, { value: i });
    out.push(page.bytes.subarray(at, at + size));
    at += size;
  }
  return out;
}

function plain(page: Page, leaf: Leaf): Values {
  const { type } = leaf;
  if (type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY') {
    // Each has its length in front of it; those of a fixed length of 0 would be free.
    need(page, type === 'BYTE_ARRAY' ? 4 * page.count : Math.max(1, leaf.length) * page.count);
    return plainStrings(page, leaf);
  }
  if (type === 'BOOLEAN') {
    need(page, Math.ceil(page.count / 8));
    return Uint8Array.from({ length: page.count }, (_, i) => (page.bytes[i >> 3]! >> (i & 7)) & 1);
  }
  const width = WIDTHS[type];
  if (width === undefined)
    throw badParquet(`${page.place}: ${type} is not read`, { expected: 'whole numbers, booleans or bytes' });
  need(page, width * page.count);
  return type === 'FLOAT' || type === 'DOUBLE' ? plainFloats(page, width) : plainWhole(page, width);
}

function looked(page: Page, dictionary: Values | undefined): Values {
  if (!dictionary) throw badParquet(`${page.place}: it has no dictionary`);
  if (page.count === 0) return dictionary.slice(0, 0);
  need(page, 1);
  const places = readHybrid(page.bytes, 1, page.bytes.length, page.bytes[0]!, page.count, page.place);
  const wrong = places.findIndex((one) => one >= dictionary.length);
  if (wrong >= 0) throw badParquet(`${page.place}: a value is not in the dictionary`, { value: wrong });
  if (dictionary instanceof Uint8Array) return Uint8Array.from(places, (one) => dictionary[one]!);
  return Array.from(places, (one) => dictionary[one]!);
}

/** Reads the pages of one column chunk in order; undefined for its dictionary. */
export function valueReader(leaf: Leaf): ReadValues {
  let dictionary: Values | undefined;
  return (page) => {
    if (page.kind === 'dictionary') {
      dictionary = plain(page, leaf);
      return undefined;
    }
    const { encoding } = page;
    if (encoding === PLAIN) return plain(page, leaf);
    if (encoding === PLAIN_DICTIONARY || encoding === RLE_DICTIONARY) return looked(page, dictionary);
    if (encoding === RLE && leaf.type === 'BOOLEAN') {
      need(page, 4);
      return Uint8Array.from(readHybrid(page.bytes, 4, page.bytes.length, 1, page.count, page.place));
    }
    throw badParquet(`${page.place}: encoding ${encoding} is not read`, {
      expected: 'plain, or by dictionary',
    });
  };
}
