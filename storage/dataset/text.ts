/** CSV tables and plain text as records. Every tenth record is held back as the test set. */
import { FedaiError } from '../../core/index.ts';
import type { Records } from './import.ts';

const TEST_EVERY = 10;

const badCsv = (line: number, message: string, data: Record<string, unknown> = {}): FedaiError =>
  new FedaiError('BAD_CSV', `line ${line}: ${message}`, data, {
    remedy: 'each line: whole numbers from 0 to 255, the label first or in a column named label',
  });

/** Every tenth record is for the test. */
export function splitRecords(
  inputs: Uint8Array,
  labels: Uint8Array,
  shape: readonly number[],
  classes: number,
) {
  const size = inputs.length / labels.length;
  const take = (keep: (i: number) => boolean): Records => {
    const places = Array.from(labels.keys()).filter(keep);
    const out = new Uint8Array(places.length * size);
    places.forEach((from, to) => {
      out.set(inputs.subarray(from * size, (from + 1) * size), to * size);
    });
    return { inputs: out, labels: Uint8Array.from(places, (place) => labels[place]!), shape, classes };
  };
  const held = (i: number): boolean => i % TEST_EVERY === TEST_EVERY - 1;
  return { train: take((i) => !held(i)), test: take(held) };
}

function parseLine(line: string, number: number, columns: number, out: Uint8Array): void {
  const cells = line.split(',');
  if (cells.length !== columns)
    throw badCsv(number, 'another number of columns', { got: cells.length, expected: columns });
  for (const [i, cell] of cells.entries()) {
    const value = Number(cell);
    if (!/^\s*\d{1,3}\s*$/.test(cell) || value > 255)
      throw badCsv(number, 'not a whole number from 0 to 255', { column: i + 1, got: cell.slice(0, 40) });
    out[i] = value;
  }
}

/** A first line that is not of numbers names the columns. Throws `BAD_CSV` with the line. */
export function recordsFromCsv(text: string): { train: Records; test: Records } {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const header = /[a-z]/i.test(lines[0] ?? '')
    ? lines
        .shift()!
        .split(',')
        .map((name) => name.trim().toLowerCase())
    : undefined;
  const skipped = header ? 2 : 1;
  const columns = header?.length ?? lines[0]?.split(',').length ?? 0;
  if (lines.length === 0 || columns < 2) throw badCsv(skipped, 'no records', { columns });
  const own = Math.max(0, header?.findIndex((name) => name === 'label' || name === 'class') ?? 0);
  const inputs = new Uint8Array(lines.length * (columns - 1));
  const labels = new Uint8Array(lines.length);
  const row = new Uint8Array(columns);
  for (const [i, line] of lines.entries()) {
    parseLine(line, i + skipped, columns, row);
    labels[i] = row[own]!;
    inputs.set(row.subarray(0, own), i * (columns - 1));
    inputs.set(row.subarray(own + 1), i * (columns - 1) + own);
  }
  const highest = labels.reduce((most, label) => Math.max(most, label), 0);
  return splitRecords(inputs, labels, [columns - 1], Math.max(2, highest + 1));
}

/** Windows of `length` bytes side by side; a window's label is the byte after it. Throws `BAD_TEXT`. */
export function recordsFromText(bytes: Uint8Array, length: number): { train: Records; test: Records } {
  const count = Math.floor((bytes.length - 1) / length);
  if (count < TEST_EVERY)
    throw new FedaiError(
      'BAD_TEXT',
      'the text is too short',
      { bytes: bytes.length, expected: `> ${TEST_EVERY * length}` },
      { remedy: 'give a longer text or a model with a shorter input' },
    );
  const labels = Uint8Array.from({ length: count }, (_, i) => bytes[(i + 1) * length]!);
  const highest = bytes.reduce((most, byte) => Math.max(most, byte), 0);
  return splitRecords(bytes.subarray(0, count * length), labels, [length], highest + 1);
}
