/** Bytes of a file on disk. What is compressed is inflated as it is read, and bombs are cut. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FedaiError } from '../../core/index.ts';
import { type ByteSource, PART_BYTES } from './bytes.ts';
import { checkExpansion } from './expansion.ts';

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
