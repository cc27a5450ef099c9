/** CSV tables of whole numbers, read byte by byte. */
import { FedaiError } from '../../core/index.ts';
import type { ByteSource } from './bytes.ts';
import { checkShape, chunkRecords, type RecordBatch, type RecordStream } from './record.ts';

/** A first line of names and a line of values are at most this long. */
const MAX_LINE_BYTES = 1024 * 1024;
const [COMMA, LINE_FEED, RETURN, TAB, SPACE, ZERO, NINE] = [44, 10, 13, 9, 32, 48, 57];

const badCsv = (line: number, message: string, data: Record<string, unknown> = {}): FedaiError =>
  new FedaiError('BAD_CSV', `line ${line}: ${message}`, data, {
    remedy: 'each line: whole numbers from 0 to 255, the label first or in a column named label',
  });

/** The column of the label by its name; the first otherwise. */
export const labelColumn = (names: readonly string[]): number =>
  Math.max(
    0,
    names.findIndex((name) => /^\s*(?:label|class)\s*$/i.test(name)),
  );

/** Columns of a line, and of which the label is. A first line that is not of numbers names the columns. Throws `BAD_CSV`. */
export async function streamCsv(source: ByteSource): Promise<RecordStream> {
  const head = await source.read(0, MAX_LINE_BYTES);
  const end = head.indexOf(LINE_FEED);
  if (end < 0 && source.size > head.length) throw badCsv(1, 'it is too long', { expected: MAX_LINE_BYTES });
  const line = new TextDecoder().decode(end < 0 ? head : head.subarray(0, end));
  const names = line.split(',');
  const isNamed = /[a-z]/i.test(line);
  const start = isNamed ? (end < 0 ? source.size : end + 1) : 0;
  if (start >= source.size || names.length < 2)
    throw badCsv(isNamed ? 2 : 1, 'no records', { columns: names.length });
  const shape = [names.length - 1];
  checkShape(shape, 0);
  // A value and its comma take two bytes.
  const atMost = 1 + Math.ceil((source.size - start) / (2 * names.length - 1));
  const parser = createParser(
    names.length,
    isNamed ? labelColumn(names) : 0,
    isNamed ? 2 : 1,
    Math.min(chunkRecords(shape[0]!), atMost),
  );
  return {
    shape,
    chunks: (async function* () {
      for await (const part of source.stream(start)) yield* parser.push(part);
      yield* parser.end();
    })(),
  };
}

interface Parser {
  push(part: Uint8Array): Generator<RecordBatch>;
  end(): Generator<RecordBatch>;
}

/** Gives `most` records at a time. */
function createParser(columns: number, label: number, firstLine: number, most: number): Parser {
  const size = columns - 1;
  let inputs = new Uint8Array(most * size);
  let labels = new Uint8Array(most);
  let [line, records, column] = [firstLine, 0, 0];
  // Of the cell at hand; it is closed by a blank after its digits.
  let [value, digits, closed] = [0, 0, false];

  const endCell = (): void => {
    if (column >= columns)
      throw badCsv(line, 'another number of columns', { got: `> ${columns}`, expected: columns });
    if (digits === 0) throw badCsv(line, 'not a whole number from 0 to 255', { column: column + 1, got: '' });
    if (column === label) labels[records] = value;
    else inputs[records * size + column - (column > label ? 1 : 0)] = value;
    column++;
    [value, digits, closed] = [0, 0, false];
  };
  const endLine = (): void => {
    endCell();
    if (column !== columns)
      throw badCsv(line, 'another number of columns', { got: column, expected: columns });
    column = 0;
    line++;
    records++;
  };
  const take = (): RecordBatch => {
    const batch = { inputs: inputs.subarray(0, records * size), labels: labels.subarray(0, records) };
    inputs = new Uint8Array(most * size);
    labels = new Uint8Array(most);
    records = 0;
    return batch;
  };
  const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB || byte === RETURN;
  return {
    *push(part) {
      for (const byte of part) {
        if (byte >= ZERO && byte <= NINE && !closed && digits < 3) {
          value = 10 * value + byte - ZERO;
          digits++;
          if (value > 255)
            throw badCsv(line, 'not a whole number from 0 to 255', { column: column + 1, got: value });
        } else if (byte === COMMA) endCell();
        else if (byte === LINE_FEED) {
          endLine();
          if (records === most) yield take();
        } else if (isBlank(byte)) closed = digits > 0;
        else
          throw badCsv(line, 'not a whole number from 0 to 255', {
            column: column + 1,
            got: String.fromCharCode(byte),
          });
      }
    },
    *end() {
      if (column > 0 || digits > 0) endLine();
      if (records > 0) yield take();
    },
  };
}
