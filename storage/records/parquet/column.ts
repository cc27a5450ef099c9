/** One column as a queue of values: pages are read when rows are asked for. Lists must all have one length. */
import { FedaiError } from '../../../core/index.ts';
import type { ByteSource } from '../bytes.ts';
import type { Leaf, RowGroup } from './footer.ts';
import { readPages } from './pages.ts';
import { badParquet } from './thrift.ts';
import { type Values, valueReader } from './values.ts';

/** Values of all columns that are read ahead of their rows. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;

/** Shared by the columns of a file. */
export interface Held {
  bytes: number;
}

export interface Column {
  readonly name: string;
  /** Values of a row; known from the first row on. */
  width(): Promise<number>;
  /** The next `rows` rows of the group that is open; fewer at its end. */
  take(rows: number): Promise<Values>;
  open(group: RowGroup, index: number): void;
  /** Throws unless all of the group has been taken. */
  finish(): Promise<void>;
}

const bytesOf = (values: Values): number =>
  values instanceof Uint8Array ? values.length : values.reduce((sum, one) => sum + one.length, 0);

/** Values in order; `held` follows what is in it. */
function createQueue(name: string, held: Held) {
  let parts: Values[] = [];
  let length = 0;
  return {
    get length() {
      return length;
    },
    clear() {
      for (const part of parts) held.bytes -= bytesOf(part);
      [parts, length] = [[], 0];
    },
    push(values: Values) {
      held.bytes += bytesOf(values);
      if (held.bytes > MAX_HELD_BYTES)
        throw new FedaiError(
          'TOO_LARGE',
          'Parquet: too much has to be held at once',
          { column: name, expected: `<= ${MAX_HELD_BYTES} bytes` },
          { remedy: 'write the file with smaller pages' },
        );
      parts.push(values);
      length += values.length;
    },
    take(count: number): Values {
      const taken: Values[] = [];
      for (let missing = count; missing > 0; ) {
        const part = parts[0]!;
        const piece = part.slice(0, missing);
        taken.push(piece);
        missing -= piece.length;
        length -= piece.length;
        held.bytes -= bytesOf(piece);
        if (piece.length === part.length) parts.shift();
        else parts[0] = part instanceof Uint8Array ? part.subarray(piece.length) : part.slice(piece.length);
      }
      return taken.length === 1 ? taken[0]! : joined(taken);
    },
  };
}

function joined(parts: readonly Values[]): Values {
  if (parts.every((part) => part instanceof Uint8Array)) return Uint8Array.from(Buffer.concat(parts));
  return parts.flatMap((part) => (part instanceof Uint8Array ? [] : part));
}

interface Piece {
  readonly values: Values;
  /** Where records begin among the values of a list. */
  readonly starts: readonly number[] | undefined;
}

async function* piecesOf(
  source: ByteSource,
  leaf: Leaf,
  group: RowGroup,
  place: string,
): AsyncGenerator<Piece> {
  const read = valueReader(leaf);
  for await (const page of readPages(source, leaf, group.chunks[leaf.index]!, place)) {
    const values = read(page);
    const levels = page.repetition;
    if (values) yield { values, starts: levels && Array.from(levels.keys()).filter((i) => levels[i] === 0) };
  }
}

/** Whether records of `width` values begin where they must, `first` values into their row group. */
function isEven(starts: readonly number[], first: number, length: number, width: number): boolean {
  const wanted = Math.ceil(first / width) * width;
  return (
    starts.every((start, i) => first + start === wanted + i * width) &&
    wanted + starts.length * width >= first + length
  );
}

export function openColumn(source: ByteSource, leaf: Leaf, held: Held): Column {
  const name = leaf.path.join('.');
  const queue = createQueue(name, held);
  let pieces: AsyncGenerator<Piece> | undefined;
  /** Values of the open group that have been read. */
  let first = 0;
  let where = '';
  let width: number | undefined = leaf.repetitionLevels === 0 ? 1 : undefined;

  async function pull(): Promise<boolean> {
    const next = await pieces?.next();
    if (!next || next.done) return false;
    const { values, starts } = next.value;
    const second = starts?.find((start) => first + start > 0);
    if (second !== undefined) width ??= first + second;
    if (starts && width !== undefined && !isEven(starts, first, values.length, width))
      throw badParquet(`${where}: its lists are not all of one length`, { expected: width });
    queue.push(values);
    first += values.length;
    return true;
  }
  async function findWidth(): Promise<number> {
    while (width === undefined && (await pull()));
    width ??= queue.length;
    if (width < 1) throw badParquet(`column ${name}: its lists are empty`);
    return width;
  }
  return {
    name,
    width: findWidth,
    open(group, index) {
      where = `row group ${index}, column ${name}`;
      pieces = piecesOf(source, leaf, group, where);
      queue.clear();
      first = 0;
    },
    async take(rows) {
      const wanted = rows * (await findWidth());
      while (queue.length < wanted && (await pull()));
      if (queue.length < wanted)
        throw badParquet(`${where}: it has fewer rows than its group`, { missing: wanted - queue.length });
      return queue.take(wanted);
    },
    async finish() {
      if (queue.length > 0 || (await pull())) throw badParquet(`${where}: it has more rows than its group`);
    },
  };
}
