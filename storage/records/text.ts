/** Plain text as windows of bytes side by side, each with the byte after it as its label. */
import { FedaiError } from '../../core/index.ts';
import { type ByteSource, pullFrom } from './bytes.ts';
import { checkShape, chunkRecords, highest, type RecordBatch, type RecordStream } from './record.ts';

const LEAST_WINDOWS = 10;

/** Throws `BAD_TEXT` when there are too few windows. Classes count every byte that occurs, not the labels alone. */
export function streamText(source: ByteSource, length: number): RecordStream {
  const count = Math.floor((source.size - 1) / length);
  checkShape([length], Math.max(0, count));
  if (count < LEAST_WINDOWS)
    throw new FedaiError(
      'BAD_TEXT',
      'the text is too short',
      { bytes: source.size, expected: `> ${LEAST_WINDOWS * length}` },
      { remedy: 'give a longer text or a model with a shorter input' },
    );
  let most = 0;
  async function* chunks(): AsyncGenerator<RecordBatch> {
    const bytes = pullFrom(source.stream());
    let first = await bytes.take(1);
    const atOnce = chunkRecords(length);
    for (let done = 0; done < count; ) {
      const many = Math.min(atOnce, count - done);
      // One byte further: the label of the last window begins the next one.
      const rest = await bytes.take(many * length);
      if (rest.length < many * length)
        throw new FedaiError('BAD_TEXT', 'the text has become shorter while it was read');
      const inputs = new Uint8Array(many * length);
      inputs.set(first);
      inputs.set(rest.subarray(0, -1), 1);
      most = highest(rest, Math.max(most, first[0]!));
      yield { inputs, labels: Uint8Array.from({ length: many }, (_, i) => rest[(i + 1) * length - 1]!) };
      first = rest.slice(-1);
      done += many;
    }
    most = highest(await bytes.take(length), most);
  }
  return { shape: [length], classes: () => Math.max(2, most + 1), chunks: chunks() };
}
