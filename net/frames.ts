/** Bytes on a stream as length-prefixed frames (4 bytes, big-endian), read and written with bounds and back-pressure. */
import type { Stream } from '@libp2p/interface';
import { concatBytes, FedaiError, uintBytes } from '../core/index.ts';
import { WRITE_CHUNK_BYTES, WRITE_HIGH_WATER_BYTES } from './limits.ts';

/** An answer of no bytes in millions of frames would take its reader's memory: what is beyond the spare ones holds this much on average. */
const LEAST_FRAME_BYTES = 64;
const SPARE_FRAMES = 1_024;

/** Writes `bytes` piecewise, waiting whenever the stream holds more than it can pass on. */
export async function writeBytes(stream: Stream, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  for (let offset = 0; offset < bytes.length; offset += WRITE_CHUNK_BYTES) {
    signal.throwIfAborted();
    const more = stream.send(bytes.subarray(offset, offset + WRITE_CHUNK_BYTES));
    if (!more) await drained(stream, signal);
  }
}

/**
 * Resolves once less than the high-water mark is unsent. Not `stream.onDrain()`: its promise is made once a stream
 * (libp2p 3.3), so that the second wait would return at once and the buffer overrun.
 */
async function drained(stream: Stream, signal: AbortSignal): Promise<void> {
  while (stream.writeBufferLength > WRITE_HIGH_WATER_BYTES) {
    if (stream.writeStatus === 'closed') {
      throw new FedaiError('TRUNCATED', 'the peer closed the stream', {}, { transient: true });
    }
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        for (const type of ['drain', 'idle', 'close'] as const) stream.removeEventListener(type, settle);
        signal.removeEventListener('abort', settle);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      for (const type of ['drain', 'idle', 'close'] as const) stream.addEventListener(type, settle);
      signal.addEventListener('abort', settle);
    });
  }
}

export async function writeFrame(stream: Stream, frame: Uint8Array, signal: AbortSignal): Promise<void> {
  const prefix = uintBytes(frame.length, 4);
  if (frame.length < WRITE_CHUNK_BYTES) return writeBytes(stream, concatBytes(prefix, frame), signal);
  await writeBytes(stream, prefix, signal);
  await writeBytes(stream, frame, signal);
}

export interface FrameReader {
  /** Exactly `count` bytes; throws `TRUNCATED` when the stream ends first. */
  bytes(count: number): Promise<Uint8Array>;
  /** The next frame; throws `TOO_LARGE` before taking in a frame above what is left of the budget. */
  frame(): Promise<Uint8Array>;
  release(): Promise<void>;
}

/** Reads at most `maxBytes` of frame content from the stream, all frames together. */
export function createFrameReader(stream: Stream, maxBytes: number): FrameReader {
  const source = stream[Symbol.asyncIterator]();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let budget = maxBytes;
  let frames = SPARE_FRAMES + Math.floor(maxBytes / LEAST_FRAME_BYTES);

  async function bytes(count: number): Promise<Uint8Array> {
    while (heldBytes < count) {
      const next = await source.next();
      if (next.done)
        throw new FedaiError('TRUNCATED', 'the stream ended early', { got: heldBytes, expected: count });
      const chunk = next.value instanceof Uint8Array ? next.value : next.value.subarray();
      held.push(chunk);
      heldBytes += chunk.length;
    }
    return take(count);
  }

  function take(count: number): Uint8Array {
    const out = new Uint8Array(count);
    let filled = 0;
    let used = 0;
    while (filled < count) {
      const chunk = held[used]!;
      const part = chunk.subarray(0, count - filled);
      out.set(part, filled);
      filled += part.length;
      if (part.length < chunk.length) held[used] = chunk.subarray(part.length);
      else used++;
    }
    held = held.slice(used);
    heldBytes -= count;
    return out;
  }

  return {
    bytes,
    async frame() {
      const prefix = await bytes(4);
      const length = new DataView(prefix.buffer).getUint32(0);
      if (length > budget) {
        throw new FedaiError('TOO_LARGE', 'frame exceeds the agreed size', {
          got: length,
          expected: `<= ${budget} bytes`,
        });
      }
      budget -= length;
      if (--frames < 0)
        throw new FedaiError('TOO_LARGE', 'too many frames', { expected: `<= ${maxBytes} bytes` });
      return bytes(length);
    },
    async release() {
      await source.return?.();
    },
  };
}
