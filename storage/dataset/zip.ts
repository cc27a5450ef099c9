/** Members of a ZIP archive, stored or deflated, by its central directory; sizes that lie and bombs are refused. */
import { inflateRawSync } from 'node:zlib';
import { FedaiError } from '../../core/index.ts';

/** As of IDX files: what is still safe to hold. */
const MAX_MEMBER_BYTES = 512 * 1024 * 1024;
const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** The end record stands within its longest comment of the end. */
const MAX_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;

export const badNpz = (message: string, data: Record<string, unknown> = {}, cause?: unknown): FedaiError =>
  new FedaiError('BAD_NPZ', `not an NPZ file: ${message}`, data, {
    remedy: 'save it again with numpy.savez',
    cause,
  });

function findEnd(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - END_BYTES - MAX_COMMENT);
  for (let at = view.byteLength - END_BYTES; at >= lowest; at--)
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  throw badNpz('it has no directory');
}

function member(file: Uint8Array, view: DataView, entry: number): Uint8Array {
  const [method, size] = [view.getUint16(entry + 10, true), view.getUint32(entry + 20, true)];
  const whole = view.getUint32(entry + 24, true);
  const local = view.getUint32(entry + 42, true);
  if (local + LOCAL_BYTES > file.length) throw badNpz('a member lies beyond the end');
  const start = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + size > file.length || whole > MAX_MEMBER_BYTES)
    throw badNpz('a member has an impossible size', { size, whole });
  const data = file.subarray(start, start + size);
  if (method === STORED) return data;
  if (method !== DEFLATED) throw badNpz('a member is compressed in another way', { method });
  try {
    return new Uint8Array(inflateRawSync(data, { maxOutputLength: Math.max(1, whole) }));
  } catch (cause) {
    throw badNpz('a member cannot be decompressed', { expected: whole }, cause);
  }
}

/** Reads the members whose names `wanted` holds for. Throws `BAD_NPZ`. */
export function unzip(file: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = file.length < END_BYTES ? -1 : findEnd(view);
  if (end < 0) throw badNpz('it is too short', { got: file.length });
  const count = view.getUint16(end + 10, true);
  const members = new Map<string, Uint8Array>();
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > file.length || view.getUint32(at, true) !== ENTRY_SIGNATURE)
      throw badNpz('its directory is damaged', { entry: i });
    const length = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(file.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + length));
    if (members.has(name)) throw badNpz('a member occurs twice', { name });
    if (wanted(name)) members.set(name, member(file, view, at));
    at += ENTRY_BYTES + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return members;
}
