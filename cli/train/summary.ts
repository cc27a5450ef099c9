/** What every run says of its data and its curve, whichever engine trains. */
import { createHash } from 'node:crypto';
import { toHex, uintBytes } from '../../core/index.ts';
import type { RecordSet } from '../../storage/index.ts';

/** Records hashed at a time. */
const DIGEST_RECORDS = 4_096;

/** SHA-256 of the number of records, all inputs and all labels. */
export function digestOf(train: RecordSet): string {
  const hash = createHash('sha256').update(uintBytes(train.count, 8));
  const labels = new Uint8Array(train.count);
  const size = train.shape.reduce((product, side) => product * side, 1);
  for (let first = 0; first < train.count; first += DIGEST_RECORDS) {
    const many = Math.min(DIGEST_RECORDS, train.count - first);
    const bytes = train.range(first, many);
    for (let i = 0; i < many; i++) {
      hash.update(bytes.subarray(i * (size + 1), i * (size + 1) + size));
      labels[first + i] = bytes[i * (size + 1) + size]!;
    }
  }
  return toHex(hash.update(labels).digest());
}

const BARS = '▁▂▃▄▅▆▇█';
/** At most this wide: longer curves are thinned. */
const WIDTH = 60;

export function bars(values: readonly number[]): string {
  const stride = Math.ceil(values.length / WIDTH);
  const shown = values.filter((_, i) => i % stride === 0 || i === values.length - 1);
  const high = Math.max(...shown, 1e-9);
  return shown.map((value) => BARS[Math.min(7, Math.floor((8 * value) / high))]).join('');
}
