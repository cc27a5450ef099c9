/** Pages of a column chunk, one after the other: head checked against what its bytes can hold, then unpacked. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { snappyUncompress } from 'hyparquet';
import { decompressLz4, decompressLz4Raw, decompressZstd } from 'hyparquet-compressors';
import type { ByteSource } from '../bytes.ts';
import type { ColumnChunk, Leaf } from './footer.ts';
import { readHybrid } from './levels.ts';
import { badParquet, numberIn, readThrift, structIn, type ThriftStruct } from './thrift.ts';

/** A page is made to be of a mebibyte or less. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
const MAX_PAGE_VALUES = 2 ** 24;
/** Heads hold statistics of two values. */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_HEAD_VALUES = 256;
const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3];

export interface Page {
  readonly kind: 'dictionary' | 'data';
  readonly encoding: number;
  readonly count: number;
  /** The values alone, unpacked. */
  readonly bytes: Uint8Array;
  /** Whether a value begins a record (0) or goes on in a list; undefined when each is a record. */
  readonly repetition: Uint32Array | undefined;
  readonly place: string;
}

type Unpack = (packed: Uint8Array, size: number) => Uint8Array;

const CODECS: Readonly<Record<number, Unpack>> = {
  0: (packed) => packed,
  1(packed, size) {
    const out = new Uint8Array(size);
    snappyUncompress(packed, out);
    return out;
  },
  2: (packed, size) => gunzipSync(packed, { maxOutputLength: Math.max(1, size) }),
  4: (packed, size) => brotliDecompressSync(packed, { maxOutputLength: Math.max(1, size) }),
  5: decompressLz4,
  6: (packed, size) => decompressZstd(packed, new Uint8Array(size)),
  7: decompressLz4Raw,
};

function unpack(codec: number, packed: Uint8Array, size: number, place: string): Uint8Array {
  const use = CODECS[codec];
  if (!use) throw badParquet(`${place}: compressed in an unsupported way`, { codec });
  let bytes: Uint8Array;
  try {
    bytes = use(packed, size);
  } catch (cause) {
    throw badParquet(`${place}: it cannot be unpacked`, { codec }, cause);
  }
  if (bytes.length !== size)
    throw badParquet(`${place}: it unpacks to another size than it says`, {
      got: bytes.length,
      expected: size,
    });
  // Not a view of a pool that others use, and aligned.
  return bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
}

const widthOf = (most: number): number => 32 - Math.clz32(most);

interface Head {
  readonly type: number;
  readonly struct: ThriftStruct;
  readonly packed: number;
  readonly size: number;
}

function checkHead(struct: ThriftStruct, left: number, place: string): Head {
  const [type, size, packed] = [
    numberIn(struct, 1) ?? -1,
    numberIn(struct, 2) ?? -1,
    numberIn(struct, 3) ?? -1,
  ];
  if (!(size >= 0 && size <= MAX_PAGE_BYTES && packed >= 0 && packed <= left))
    throw badParquet(`${place}: its size lies`, { packed, size, left, expected: `<= ${MAX_PAGE_BYTES}` });
  return { type, struct, packed, size };
}

const countOf = (head: ThriftStruct | undefined, place: string): number => {
  const count = (head && numberIn(head, 1)) ?? -1;
  if (count >= 0 && count <= MAX_PAGE_VALUES) return count;
  throw badParquet(`${place}: its number of values lies`, { got: count, expected: `<= ${MAX_PAGE_VALUES}` });
};

/** Every value must be there: records have no gaps. */
function checkDefined(levels: Uint32Array, most: number, place: string): void {
  const gap = levels.findIndex((level) => level !== most);
  if (gap >= 0) throw badParquet(`${place}: a value is missing`, { value: gap });
}

/** Version 1: levels stand before the values, each behind its length, and are packed with them. */
function readV1(head: Head, raw: Uint8Array, leaf: Leaf, codec: number, place: string): Page {
  const about = structIn(head.struct, 5);
  const count = countOf(about, place);
  const bytes = unpack(codec, raw, head.size, place);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const levels = (most: number): Uint32Array | undefined => {
    if (most === 0) return undefined;
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (length > bytes.length - at - 4) throw badParquet(`${place}: its levels lead beyond the end`);
    at += 4 + length;
    return readHybrid(bytes, at - length, at, widthOf(most), count, place);
  };
  const repetition = levels(leaf.repetitionLevels);
  const definition = levels(leaf.definitionLevels);
  if (definition) checkDefined(definition, leaf.definitionLevels, place);
  const encoding = numberIn(about!, 2) ?? 0;
  return { kind: 'data', encoding, count, bytes: bytes.subarray(at), repetition, place };
}

/** Version 2: levels stand before the values and are never packed. */
function readV2(head: Head, raw: Uint8Array, leaf: Leaf, codec: number, place: string): Page {
  const about = structIn(head.struct, 8);
  const count = countOf(about, place);
  const [definitionBytes, repetitionBytes] = [numberIn(about!, 5) ?? 0, numberIn(about!, 6) ?? 0];
  const start = definitionBytes + repetitionBytes;
  if (!(definitionBytes >= 0 && repetitionBytes >= 0 && start <= raw.length && start <= head.size))
    throw badParquet(`${place}: its levels lead beyond the end`, { definitionBytes, repetitionBytes });
  const repetition =
    leaf.repetitionLevels === 0
      ? undefined
      : readHybrid(raw, 0, repetitionBytes, widthOf(leaf.repetitionLevels), count, place);
  if (leaf.definitionLevels > 0) {
    const levels = readHybrid(raw, repetitionBytes, start, widthOf(leaf.definitionLevels), count, place);
    checkDefined(levels, leaf.definitionLevels, place);
  }
  const isPacked = about!.get(7) !== false;
  const bytes = unpack(isPacked ? codec : 0, raw.subarray(start), head.size - start, place);
  return { kind: 'data', encoding: numberIn(about!, 4) ?? 0, count, bytes, repetition, place };
}

/** Throws `BAD_PARQUET` with the byte of the page. */
export async function* readPages(
  source: ByteSource,
  leaf: Leaf,
  chunk: ColumnChunk,
  where: string,
): AsyncGenerator<Page> {
  let seen = 0;
  for (let at = chunk.start; at < chunk.end && seen < chunk.values; ) {
    const place = `${where}, page at byte ${at}`;
    const lead = await source.read(at, Math.min(MAX_HEAD_BYTES, chunk.end - at));
    const { value, next } = readThrift(lead, 0, place, MAX_HEAD_VALUES);
    const head = checkHead(value, chunk.end - at - next, place);
    const body = at + next;
    at = body + head.packed;
    if (head.type !== DATA_PAGE && head.type !== DATA_PAGE_V2 && head.type !== DICTIONARY_PAGE) continue;
    const raw = await source.read(body, head.packed);
    if (raw.length < head.packed) throw badParquet(`${place}: cut off`);
    if (head.type === DICTIONARY_PAGE) {
      const about = structIn(value, 7);
      const count = countOf(about, place);
      const bytes = unpack(chunk.codec, raw, head.size, place);
      yield { kind: 'dictionary', encoding: 0, count, bytes, repetition: undefined, place };
      continue;
    }
    const page = (head.type === DATA_PAGE ? readV1 : readV2)(head, raw, leaf, chunk.codec, place);
    seen += page.count;
    yield page;
  }
  if (seen !== chunk.values)
    throw badParquet(`${where}: its pages do not add up`, { got: seen, expected: chunk.values });
}
