/** Members of a ZIP archive, stored or deflated, found by its central directory and read as streams; sizes that lie and bombs are refused. */
import { createInflateRaw } from 'node:zlib';
import { FedaiError } from '../../core/index.ts';
import type { ByteSource } from './bytes.ts';
import { through } from './file.ts';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** The end record stands within its longest comment of the end. */
const MAX_COMMENT = 65_535;
/** Names of some ten thousand members. */
const MAX_DIRECTORY_BYTES = 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;

export const badNpz = (message: string, data: Record<string, unknown> = {}, cause?: unknown): FedaiError =>
  new FedaiError('BAD_NPZ', `not an NPZ file: ${message}`, data, {
    remedy: 'save it again with numpy.savez',
    cause,
  });

export interface ZipMember {
  readonly name: string;
  /** As the directory claims: what is streamed ends there, or throws. */
  readonly size: number;
  stream(): AsyncGenerator<Uint8Array>;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

async function readDirectory(source: ByteSource): Promise<{ bytes: Uint8Array; count: number }> {
  if (source.size < END_BYTES) throw badNpz('it is too short', { got: source.size });
  const start = Math.max(0, source.size - END_BYTES - MAX_COMMENT);
  const tail = await source.read(start, source.size - start);
  const view = viewOf(tail);
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== END_SIGNATURE) continue;
    const [size, from] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
    if (size > MAX_DIRECTORY_BYTES || from + size > source.size)
      throw badNpz('its directory does not fit', { size, from });
    return { bytes: await source.read(from, size), count: view.getUint16(at + 10, true) };
  }
  throw badNpz('it has no directory');
}

interface Entry {
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly local: number;
}

async function* streamMember(source: ByteSource, name: string, entry: Entry): AsyncGenerator<Uint8Array> {
  const head = await source.read(entry.local, LOCAL_BYTES);
  const view = viewOf(head);
  if (head.length < LOCAL_BYTES || view.getUint32(0, true) !== LOCAL_SIGNATURE)
    throw badNpz(`${name}: its head is damaged`);
  const start = entry.local + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  const end = start + entry.packed;
  if (end > source.size) throw badNpz(`${name}: it lies beyond the end`, { size: entry.packed });
  const raw = source.stream(start, end);
  const fail = (cause: unknown): FedaiError => badNpz(`${name}: it cannot be unpacked`, {}, cause);
  const parts = entry.method === STORED ? raw : through(raw, createInflateRaw(), entry.packed, fail);
  let total = 0;
  for await (const part of parts) {
    total += part.length;
    if (total > entry.size)
      throw badNpz(`${name}: it unpacks to more than it says`, { expected: entry.size });
    yield part;
  }
  if (total < entry.size) throw badNpz(`${name}: it is cut off`, { got: total, expected: entry.size });
}

/** The members whose names `wanted` holds for. Throws `BAD_NPZ`. */
export async function readZip(
  source: ByteSource,
  wanted: (name: string) => boolean,
): Promise<Map<string, ZipMember>> {
  const { bytes, count } = await readDirectory(source);
  const view = viewOf(bytes);
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > bytes.length || view.getUint32(at, true) !== ENTRY_SIGNATURE)
      throw badNpz('its directory is damaged', { entry: i });
    const length = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + length));
    const entry = {
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      local: view.getUint32(at + 42, true),
    };
    if (members.has(name)) throw badNpz('a member occurs twice', { name });
    if (wanted(name)) {
      if (entry.method !== STORED && entry.method !== DEFLATED)
        throw badNpz(`${name}: it is compressed in another way`, { method: entry.method });
      members.set(name, { name, size: entry.size, stream: () => streamMember(source, name, entry) });
    }
    at += ENTRY_BYTES + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return members;
}
