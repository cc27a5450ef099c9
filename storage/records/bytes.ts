/** Bytes wherever they lie: any range of them, or all in order. A browser loads it; files are in `file.ts`. */

export interface ByteSource {
  readonly name: string;
  readonly size: number;
  /** As many bytes as there are from `at`, at most `length`. */
  read(at: number, length: number): Promise<Uint8Array>;
  stream(from?: number, to?: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export const PART_BYTES = 256 * 1024;

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
