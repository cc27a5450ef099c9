/**
 * A bundle: everything that re-executing one segment needs, so that a stranger can do it from public data alone. Owns
 * the wire form; what a bundle must prove is verify.ts.
 */
import { bytesToBigInt, concatBytes, equalBytes, FedaiError, uintBytes, utf8 } from '../core/index.ts';

/** A record of the training set with its place in the tree of all records. */
export interface OpenedRecord {
  readonly index: number;
  /** Input bytes, then one byte of label. */
  readonly bytes: Uint8Array;
  /** RFC 6962 audit path under the manifest's plaintext root, from the leaf up. */
  readonly path: readonly Uint8Array[];
}

export interface Bundle {
  /** Canonical job document. */
  readonly document: Uint8Array;
  /** Canonical manifest of the training set. */
  readonly manifest: Uint8Array;
  /** Canonical bytes of the state that the segment starts from. */
  readonly startState: Uint8Array;
  readonly startPath: readonly Uint8Array[];
  /** Root of the state that the segment ends with, 32 bytes, and its path. */
  readonly endRoot: Uint8Array;
  readonly endPath: readonly Uint8Array[];
  /** In training round 0: path of the trace's first state, which must be the job's own first state. Else empty. */
  readonly firstPath: readonly Uint8Array[];
  /** Each record of the segment's batches once, ascending by index. */
  readonly records: readonly OpenedRecord[];
}

const MAGIC = utf8('fedai-bundle/1\n');
const FIELDS = 8;
const HASH_BYTES = 32;
const LENGTH_BYTES = 4;
/** Trees of 2^32 leaves. */
const MAX_PATH = 32;
/** Far above what a segment within the limits of a chain reads: bounds the objects that strangers' bytes turn into. */
const MAX_RECORDS = 2 ** 17;

const bad = (what: string): FedaiError => new FedaiError('BAD_BUNDLE', `bundle: ${what}`, { what });

/**
 * "fedai-bundle/1\n", then eight fields, each after its length (u32be): document, manifest, start state, start path,
 * end root, end path, first path, records. A path is its hashes; a record is index u32be ‖ hashes in its path u8 ‖ path ‖
 * length u32be ‖ bytes.
 */
export function encodeBundle(bundle: Bundle): Uint8Array {
  const fields = [
    bundle.document,
    bundle.manifest,
    bundle.startState,
    concatBytes(...bundle.startPath),
    bundle.endRoot,
    concatBytes(...bundle.endPath),
    concatBytes(...bundle.firstPath),
    concatBytes(...bundle.records.flatMap(recordParts)),
  ];
  return concatBytes(MAGIC, ...fields.flatMap((field) => [uintBytes(field.length, LENGTH_BYTES), field]));
}

const recordParts = ({ index, bytes, path }: OpenedRecord): Uint8Array[] => [
  uintBytes(index, 4),
  uintBytes(path.length, 1),
  ...path,
  uintBytes(bytes.length, LENGTH_BYTES),
  bytes,
];

/** Throws `BAD_BUNDLE` on anything but the form above within `maxBytes`. */
export function decodeBundle(bytes: Uint8Array, maxBytes: number): Bundle {
  if (bytes.length > maxBytes) throw bad(`${bytes.length} bytes, more than ${maxBytes}`);
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) throw bad('not a bundle of this version');
  const reader = readerOf(bytes.subarray(MAGIC.length));
  const fields = Array.from({ length: FIELDS }, () => reader.take(reader.uint(LENGTH_BYTES)));
  if (reader.left > 0) throw bad('bytes after its end');
  const [document, manifest, startState, startPath, endRoot, endPath, firstPath, records] = fields;
  if (endRoot!.length !== HASH_BYTES) throw bad('end root is malformed');
  return {
    document: document!,
    manifest: manifest!,
    startState: startState!,
    startPath: readPath(startPath!),
    endRoot: endRoot!,
    endPath: readPath(endPath!),
    firstPath: readPath(firstPath!),
    records: readRecords(records!),
  };
}

interface Reader {
  readonly left: number;
  take(length: number): Uint8Array;
  uint(length: number): number;
}

function readerOf(bytes: Uint8Array): Reader {
  let at = 0;
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw bad('cut short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  return {
    get left() {
      return bytes.length - at;
    },
    take,
    uint: (length) => Number(bytesToBigInt(take(length))),
  };
}

function readRecords(bytes: Uint8Array): OpenedRecord[] {
  const reader = readerOf(bytes);
  const records: OpenedRecord[] = [];
  while (reader.left > 0) {
    if (records.length >= MAX_RECORDS) throw bad('too many records');
    const index = reader.uint(4);
    if (index <= (records.at(-1)?.index ?? -1)) throw bad('records do not ascend');
    const path = readPath(reader.take(HASH_BYTES * reader.uint(1)));
    records.push({ index, path, bytes: reader.take(reader.uint(LENGTH_BYTES)) });
  }
  return records;
}

function readPath(bytes: Uint8Array): Uint8Array[] {
  const hashes = bytes.length / HASH_BYTES;
  if (!Number.isInteger(hashes) || hashes > MAX_PATH) throw bad('a path is malformed');
  return Array.from({ length: hashes }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}
