/** Streams of records into a scratch file of records of one length, which then are read by index. The file has no name: it goes with the process. */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError, toHex } from '../../core/index.ts';
import { MAX_RECORDS } from '../../job/index.ts';
import {
  checkShape,
  classesOf,
  isForTest,
  type RecordBatch,
  type RecordSet,
  type RecordStream,
  sizeOf,
} from './record.ts';

/** A set of at most this size is held once it is asked for by index; records of a larger one are read one by one. */
const HELD_BYTES = 64 * 1024 * 1024;
/** Records are written this many bytes at a time. */
const WRITE_BYTES = 1024 * 1024;

export interface RecordSets {
  readonly train: RecordSet;
  readonly test: RecordSet;
}

interface Scratch {
  add(batch: RecordBatch, from: number): void;
  finish(shape: readonly number[], classes: number): RecordSet;
  readonly count: number;
  close(): void;
}

/** The highest label is that of both sets. Throws `BAD_RECORDS` when a set is empty, and what the stream throws. */
export async function spoolSplit(folder: string, stream: RecordStream): Promise<RecordSets> {
  const [train, test] = [await openScratch(folder, stream.shape), await openScratch(folder, stream.shape)];
  const place = (i: number): Scratch => (isForTest(i) ? test : train);
  try {
    const highest = await fill(stream, place);
    if (train.count === 0) throw noRecords();
    const classes = classesOf(stream, highest);
    return { train: train.finish(stream.shape, classes), test: test.finish(stream.shape, classes) };
  } catch (error) {
    for (const scratch of [train, test]) scratch.close();
    throw error;
  }
}

/** `classes`, where known, is of the set that this one belongs to. */
export async function spool(folder: string, stream: RecordStream, classes?: number): Promise<RecordSet> {
  const scratch = await openScratch(folder, stream.shape);
  try {
    const highest = await fill(stream, () => scratch);
    if (scratch.count === 0) throw noRecords();
    return scratch.finish(stream.shape, classes ?? classesOf(stream, highest));
  } catch (error) {
    scratch.close();
    throw error;
  }
}

async function fill(stream: RecordStream, place: (i: number) => Scratch): Promise<number> {
  let [count, highest] = [0, 0];
  for await (const chunk of stream.chunks) {
    for (let i = 0; i < chunk.labels.length; i++) {
      place(count + i).add(chunk, i);
      highest = Math.max(highest, chunk.labels[i]!);
    }
    count += chunk.labels.length;
    if (count > MAX_RECORDS) checkShape(stream.shape, count);
  }
  return highest;
}

const noRecords = (): FedaiError =>
  new FedaiError('BAD_RECORDS', 'there are no records', {}, { remedy: 'check that the file is complete' });

async function openScratch(folder: string, shape: readonly number[]): Promise<Scratch> {
  checkShape(shape, 0);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `records-${toHex(crypto.getRandomValues(new Uint8Array(8))).slice(2)}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  const size = sizeOf(shape);
  const buffer = new Uint8Array(Math.max(1, Math.floor(WRITE_BYTES / (size + 1))) * (size + 1));
  let [used, written, count] = [0, 0, 0];
  const flush = (): void => {
    for (let at = 0; at < used; ) at += writeSync(file, buffer, at, used - at, written + at);
    written += used;
    used = 0;
  };
  return {
    get count() {
      return count;
    },
    add({ inputs, labels }, from) {
      if (used === buffer.length) flush();
      buffer.set(inputs.subarray(from * size, (from + 1) * size), used);
      buffer[used + size] = labels[from]!;
      used += size + 1;
      count++;
    },
    finish(own, classes) {
      flush();
      return setOf(file, own, classes, count);
    },
    close: () => closeSync(file),
  };
}

function readFully(file: number, bytes: Uint8Array, at: number, length = bytes.length, position = at): void {
  for (let done = 0; done < length; ) {
    const got = readSync(file, bytes, done, length - done, position + done);
    if (got === 0) throw new FedaiError('DATA_DAMAGED', 'the scratch file of records was cut', { at });
    done += got;
  }
}

function setOf(file: number, shape: readonly number[], classes: number, count: number): RecordSet {
  const size = sizeOf(shape);
  const recordBytes = size + 1;
  let held: Uint8Array | undefined;
  const range = (first: number, many: number): Uint8Array => {
    const bytes = new Uint8Array(many * recordBytes);
    readFully(file, bytes, first * recordBytes);
    return bytes;
  };
  const one = new Uint8Array(recordBytes);
  const recordAt = (index: number): Uint8Array => {
    if (count * recordBytes <= HELD_BYTES) {
      held ??= range(0, count);
      return held.subarray(index * recordBytes, (index + 1) * recordBytes);
    }
    readFully(file, one, index * recordBytes);
    return one;
  };
  return {
    shape,
    classes,
    count,
    range,
    read(indices) {
      const batch = { inputs: new Uint8Array(indices.length * size), labels: new Uint8Array(indices.length) };
      for (let i = 0; i < indices.length; i++) {
        const record = recordAt(indices[i]!);
        batch.inputs.set(record.subarray(0, size), i * size);
        batch.labels[i] = record[size]!;
      }
      return batch;
    },
    close: async () => closeSync(file),
  };
}
