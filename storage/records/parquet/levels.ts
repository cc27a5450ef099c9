/** Parquet's hybrid of run lengths and packed bits, which holds levels and places in dictionaries. Never gives more than was asked for. */
import { badParquet } from './thrift.ts';

const MAX_WIDTH = 24;

/** `count` numbers of `width` bits from bytes[start, end). Throws `BAD_PARQUET` when they end early. */
export function readHybrid(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  count: number,
  place: string,
): Uint32Array {
  const out = new Uint32Array(count);
  if (width === 0) return out;
  if (width > MAX_WIDTH) throw badParquet(`${place}: numbers of ${width} bits`);
  let [at, done] = [start, 0];
  const byte = (): number => {
    if (at >= end) throw badParquet(`${place}: runs end early`, { got: done, expected: count });
    return bytes[at++]!;
  };
  while (done < count) {
    let head = 0;
    for (let scale = 1; ; scale *= 128) {
      const next = byte();
      head += (next & 127) * scale;
      if (next < 128) break;
      if (scale > 2 ** 35) throw badParquet(`${place}: a run is too long`);
    }
    if (head % 2 === 0) {
      let value = 0;
      for (let shift = 0; shift < width; shift += 8) value += byte() * 2 ** shift;
      const until = Math.min(count, done + head / 2);
      out.fill(value, done, until);
      done = until;
      continue;
    }
    const until = Math.min(count, done + 8 * ((head - 1) / 2));
    let [held, bits] = [0, 0];
    const mask = 2 ** width - 1;
    // Groups of eight numbers fill whole bytes: nothing is left over between runs.
    while (done < until) {
      // At most 23 bits are left over, so that no bit is shifted out.
      while (bits < width) {
        held |= byte() << bits;
        bits += 8;
      }
      out[done++] = held & mask;
      held >>>= width;
      bits -= width;
    }
  }
  return out;
}
