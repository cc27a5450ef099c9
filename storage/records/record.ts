/** Records on their way from a file into shards or steps: streams that are read once, and sets that are read by index. */
import { concatBytes, FedaiError } from '../../core/index.ts';
import { MAX_RECORDS } from '../../job/index.ts';

/** Records held in memory. */
export interface Records {
  /** `count × product(shape)` unsigned bytes, record after record. */
  readonly inputs: Uint8Array;
  /** One byte a record, each below `classes`. */
  readonly labels: Uint8Array;
  readonly shape: readonly number[];
  readonly classes: number;
}

export type RecordBatch = Pick<Records, 'inputs' | 'labels'>;

/** What a file gives when it is read from its beginning, a bounded part at a time. */
export interface RecordStream {
  readonly shape: readonly number[];
  /** Classes of what was streamed, given the highest label of it; by default one more than that, at least two. */
  readonly classes?: (highestLabel: number) => number;
  readonly chunks: AsyncIterable<RecordBatch>;
}

/** Records by index, of any number; only what is asked for is in memory. */
export interface RecordSet {
  readonly shape: readonly number[];
  readonly classes: number;
  readonly count: number;
  /** In the order asked for. */
  read(indices: ArrayLike<number>): RecordBatch;
  /** The bytes of consecutive records: of each the input, then its label. */
  range(first: number, count: number): Uint8Array;
  close(): Promise<void>;
}

export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((product, side) => product * side, 1);

/** Bytes of records in one chunk of a stream, about. */
const CHUNK_BYTES = 1024 * 1024;
export const chunkRecords = (inputBytes: number): number =>
  Math.max(1, Math.floor(CHUNK_BYTES / (inputBytes + 1)));

/** What one shard may hold bounds one record, too. */
const MAX_INPUT_BYTES = 4 * 1024 * 1024;

/** Throws `BAD_RECORDS` on counts and shapes that no data set may have, before memory is taken for them. */
export function checkShape(shape: readonly number[], count: number): void {
  const bytes = sizeOf(shape);
  if (bytes >= 1 && bytes <= MAX_INPUT_BYTES && count <= MAX_RECORDS) return;
  throw new FedaiError(
    'BAD_RECORDS',
    'too many or too large records',
    { got: { shape, count }, expected: { bytes: `1 … ${MAX_INPUT_BYTES}`, count: `<= ${MAX_RECORDS}` } },
    { remedy: 'use fewer or smaller records' },
  );
}

/** A set over records in memory. */
export function recordsInMemory({ inputs, labels, shape, classes }: Records): RecordSet {
  const size = sizeOf(shape);
  return {
    shape,
    classes,
    count: labels.length,
    read(indices) {
      const batch = { inputs: new Uint8Array(indices.length * size), labels: new Uint8Array(indices.length) };
      for (let i = 0; i < indices.length; i++) {
        const index = indices[i]!;
        batch.inputs.set(inputs.subarray(index * size, (index + 1) * size), i * size);
        batch.labels[i] = labels[index]!;
      }
      return batch;
    },
    range(first, count) {
      const bytes = new Uint8Array(count * (size + 1));
      for (let i = 0; i < count; i++) {
        bytes.set(inputs.subarray((first + i) * size, (first + i + 1) * size), i * (size + 1));
        bytes[(i + 1) * (size + 1) - 1] = labels[first + i]!;
      }
      return bytes;
    },
    async close() {},
  };
}

/** Every tenth record of a source without a test set of its own is for the test. */
const TEST_EVERY = 10;
export const isForTest = (index: number): boolean => index % TEST_EVERY === TEST_EVERY - 1;

/** Throws `BAD_RECORDS` where one of the two would be empty. */
export function splitRecords({ inputs, labels, shape, classes }: Records): { train: Records; test: Records } {
  const size = sizeOf(shape);
  const part = (wanted: boolean): Records => {
    const indices = Array.from(labels.keys()).filter((index) => isForTest(index) === wanted);
    const own = new Uint8Array(indices.length * size);
    for (const [at, index] of indices.entries())
      own.set(inputs.subarray(index * size, (index + 1) * size), at * size);
    return { inputs: own, labels: Uint8Array.from(indices, (index) => labels[index]!), shape, classes };
  };
  if (labels.length < TEST_EVERY)
    throw new FedaiError(
      'BAD_RECORDS',
      'too few records to keep some for the test',
      { got: labels.length, expected: `>= ${TEST_EVERY}` },
      { remedy: 'give more records' },
    );
  return { train: part(false), test: part(true) };
}

/** Everything that a stream gives, for sources that are small by nature. */
export async function collect(stream: RecordStream): Promise<Records> {
  const parts: RecordBatch[] = [];
  for await (const chunk of stream.chunks) parts.push(chunk);
  const inputs = concatBytes(...parts.map((part) => part.inputs));
  const labels = concatBytes(...parts.map((part) => part.labels));
  return {
    inputs,
    labels,
    shape: stream.shape,
    classes: classesOf(stream, highest(labels)),
  };
}

export const highest = (labels: Uint8Array, before = 0): number =>
  labels.reduce((most, label) => Math.max(most, label), before);

export const classesOf = ({ classes }: RecordStream, highestLabel: number): number =>
  classes ? classes(highestLabel) : Math.max(2, highestLabel + 1);
