/** Bytes of a file or of memory: any range of them, or all in order. What is compressed is inflated as it is read, and bombs are cut. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FedaiError } from '../../core/index.ts';
import { checkExpansion } from './expansion.ts';

export interface ByteSource {
  readonly name: string;
  readonly size: number;
  /** As many bytes as there are from `at`, at most `length`. */
  read(at: number, length: number): Promise<Uint8Array>;
  stream(from?: number, to?: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

const PART_BYTES = 256 * 1024;

export function bytesInMemory(bytes: Uint8Array, name = 'file'): ByteSource {
  return {
    name,
    size: bytes.length,
    read: async (at, length) => bytes.subarray(at, at + length),
    async *stream(from = 0, to = bytes.length) {
      for (let at = from; at < to; at += PART_BYTES) yield bytes.subarray(at, Math.min(to, at + PART_BYTES));
    },
    async close() {},
  };
}

/** Throws what the system says of the path. */
export async function bytesOfFile(path: string): Promise<ByteSource> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  return {
    name: path,
    size,
    async read(at, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - at)));
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, at + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    },
    stream: (from = 0, to = size) =>
      to <= from ? none() : createReadStream(path, { start: from, end: to - 1, highWaterMark: PART_BYTES }),
    close: () => handle.close(),
  };
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** The bytes as they come, unpacked where they are gzipped. Throws `TOO_LARGE` on a bomb. */
export async function* unpacked(
  source: ByteSource,
  fail: (cause: unknown) => FedaiError,
): AsyncGenerator<Uint8Array> {
  const [a, b] = await source.read(0, 2);
  if (a !== 0x1f || b !== 0x8b) yield* source.stream();
  else yield* through(source.stream(), createGunzip(), source.size, fail);
}

/** Bytes through one of zlib's streams. Throws `TOO_LARGE`, or what `fail` makes of zlib's error. */
export async function* through(
  packed: AsyncIterable<Uint8Array>,
  unpacker: NodeJS.ReadWriteStream & AsyncIterable<string | Buffer>,
  packedBytes: number,
  fail: (cause: unknown) => FedaiError,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  const stream = pipeline(packed, unpacker, () => {});
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      total += part.length;
      checkExpansion(packedBytes, total);
      yield part;
    }
  } catch (cause) {
    throw cause instanceof FedaiError ? cause : fail(cause);
  }
}

export interface Puller {
  /** Exactly so many bytes, or fewer at the end. The result is the caller's. */
  take(length: number): Promise<Uint8Array>;
  /** Leaves the rest unread. */
  stop(): Promise<void>;
}

/** Takes of any length from parts of any length. */
export function pullFrom(parts: AsyncIterable<Uint8Array>): Puller {
  const iterator = parts[Symbol.asyncIterator]();
  let part = new Uint8Array(0);
  return {
    async take(length) {
      const out: Uint8Array[] = [];
      let missing = length;
      while (missing > 0) {
        if (part.length === 0) {
          const next = await iterator.next();
          if (next.done) break;
          part = new Uint8Array(
            next.value.buffer as ArrayBuffer,
            next.value.byteOffset,
            next.value.byteLength,
          );
        }
        out.push(part.subarray(0, missing));
        missing -= out.at(-1)!.length;
        part = part.subarray(out.at(-1)!.length);
      }
      const bytes = new Uint8Array(length - missing);
      let at = 0;
      for (const piece of out) {
        bytes.set(piece, at);
        at += piece.length;
      }
      return bytes;
    },
    async stop() {
      await iterator.return?.();
    },
  };
}
