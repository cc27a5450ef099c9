// Attention over heads begin … end − 1 of all samples: products of 16-bit panels, head by head. Queries, keys and values lie side by
// side in rows of 3 · channels mantissas. Shares and their gradients are [heads, length, length]. No sum has more than 512 terms.
import { orLanes } from './rounding';
import { foldOne, product } from './tile';
import { groupsOf, packContiguous, packStrided, panelBytes } from './pack';
import { shares } from './softmax';

const NO_LIMIT: i32 = 512;

@inline
function roundUp(n: i32, to: i32): i32 {
  return (n + to - 1) & -to;
}

// Scratch of one part: a row of zeros, the two panels and the products of a head.
@inline
function panelSize(length: i32, width: i32): usize {
  const longest = roundUp(max(length, width), 8);
  return <usize>(longest * longest) << 1;
}

export function attentionScratch(length: i32, width: i32): usize {
  return 4 * panelSize(length, width) + (<usize>roundUp(max(length, width), 8) << 1) + 64;
}

let zero: usize = 0, left: usize = 0, right: usize = 0, result: usize = 0;

@inline
function useRoom(scratch: usize, length: i32, width: i32): void {
  zero = scratch;
  left = zero + (<usize>roundUp(max(length, width), 8) << 1) + 32;
  right = left + panelSize(length, width);
  result = right + panelSize(length, width);
}

// Row 0 of a part (queries, keys, values) of a head.
@inline
function partOf(base: usize, head: i32, heads: i32, length: i32, channels: i32, part: i32): usize {
  const sample = head / heads, width = channels / heads;
  return base + (<usize>(sample * length * 3 * channels + part * channels + (head % heads) * width) << 1);
}

@inline
function outOf(head: i32, heads: i32, length: i32, channels: i32): usize {
  return <usize>((head / heads) * length * channels + (head % heads) * (channels / heads));
}

// a [m, k] · bᵀ [n, k], both with k contiguous.
@inline
function rowsByRows(a: usize, pitchA: usize, m: i32, b: usize, pitchB: usize, n: i32, k: i32): void {
  packContiguous(a, pitchA, m, k, 4, left, zero);
  packContiguous(b, pitchB, n, k, 8, right, zero);
  product(left, right, m, k, n, NO_LIMIT, 0, result, <usize>roundUp(n, 8) << 2);
}

// a [m, k] · b [k, n].
@inline
function rowsByColumns(a: usize, pitchA: usize, m: i32, b: usize, pitchB: usize, n: i32, k: i32): void {
  packContiguous(a, pitchA, m, k, 4, left, zero);
  packStrided(b, pitchB, n, k, 8, right);
  product(left, right, m, k, n, NO_LIMIT, 0, result, <usize>roundUp(n, 8) << 2);
}

// aᵀ · b, a [k, m], b [k, n].
@inline
function columnsByColumns(a: usize, pitchA: usize, m: i32, b: usize, pitchB: usize, n: i32, k: i32): void {
  packStrided(a, pitchA, m, k, 4, left);
  packStrided(b, pitchB, n, k, 8, right);
  product(left, right, m, k, n, NO_LIMIT, 0, result, <usize>roundUp(n, 8) << 2);
}

// The result [rows, columns] to int32 rows of `pitch` bytes, times factor / 2^16 where there is one.
@inline
function putResult(rows: i32, columns: i32, dst: usize, pitch: usize, factor: i32): i32 {
  let bits = 0;
  const from = <usize>roundUp(columns, 8) << 2;
  for (let r: usize = 0; r < <usize>rows; r++) {
    for (let c = 0; c < columns; c++) {
      const sum = load<i32>(result + r * from + (<usize>c << 2));
      const value = factor ? foldOne(<i64>sum * <i64>factor, 16) : sum;
      store<i32>(dst + r * pitch + (<usize>c << 2), value);
      bits |= abs(value);
    }
  }
  return bits;
}

// Stores the shares; the output goes to the int32 `dst`, rows of `channels`.
export function attentionForward(
  src: usize, share: usize, dst: usize, begin: i32, end: i32, heads: i32, length: i32, channels: i32, causal: i32,
  exponent: i32, factor: i32, tables: usize, scratch: usize,
): i32 {
  const width = channels / heads, pitch = <usize>channels * 6, row = <usize>length << 1;
  useRoom(scratch, length, width);
  let bits = 0;
  for (let head = begin; head < end; head++) {
    const to = share + <usize>head * <usize>length * row, columns = <usize>roundUp(length, 8) << 2;
    const value = partOf(src, head, heads, length, channels, 2);
    rowsByRows(partOf(src, head, heads, length, channels, 0), pitch, length, partOf(src, head, heads, length, channels, 1), pitch, length, width);
    memory.fill(to, 0, <usize>length * row);
    for (let t = 0; t < length; t++) {
      shares(result + <usize>t * columns, causal ? t + 1 : length, exponent, factor, tables, to + <usize>t * row);
    }
    rowsByColumns(to, row, length, value, pitch, width, length);
    bits |= putResult(length, width, dst + (outOf(head, heads, length, channels) << 2), <usize>channels << 2, 0);
  }
  return bits;
}

// Gradients of the shares, int32.
export function shareGradients(
  src: usize, gradient: usize, dst: usize, begin: i32, end: i32, heads: i32, length: i32, channels: i32, causal: i32, scratch: usize,
): i32 {
  const width = channels / heads, pitch = <usize>channels * 6;
  useRoom(scratch, length, width);
  let bits = 0;
  for (let head = begin; head < end; head++) {
    const from = gradient + (outOf(head, heads, length, channels) << 1), columns = <usize>roundUp(length, 8) << 2;
    const to = dst + ((<usize>head * <usize>length * <usize>length) << 2);
    rowsByRows(from, <usize>channels << 1, length, partOf(src, head, heads, length, channels, 2), pitch, length, width);
    for (let t = 0; t < length; t++) {
      const n = causal ? t + 1 : length, line = to + (<usize>(t * length) << 2);
      for (let j = 0; j < n; j++) {
        const value = load<i32>(result + <usize>t * columns + (<usize>j << 2));
        store<i32>(line + (<usize>j << 2), value);
        bits |= abs(value);
      }
      memory.fill(line + (<usize>n << 2), 0, <usize>(length - n) << 2);
    }
  }
  return bits;
}

// Through the softmax, row by row: roundShift(p · (2^11 · g − Σ p g), 11), taken apart so that int32 holds every part.
export function scoreGradients(share: usize, gradient: usize, dst: usize, rows: i32, length: i32): i32 {
  let bits = 0;
  for (let r = 0; r < rows; r++) {
    let mean = 0;
    for (let j: usize = 0; j < <usize>length; j++) mean += <i32>load<i16>(share + (j << 1)) * <i32>load<i16>(gradient + (j << 1));
    const high = mean >> 11, low = mean & 2047;
    for (let j = 0; j < length; j++) {
      const p = <i32>load<i16>(share);
      const value = p * (<i32>load<i16>(gradient) - high) + ((1024 - p * low) >> 11);
      store<i32>(dst, value);
      bits |= abs(value);
      share += 2; gradient += 2; dst += 4;
    }
  }
  return bits;
}

// Gradients of queries and keys, int32, in rows of 3 · channels.
export function scoreProducts(
  src: usize, score: usize, dst: usize, begin: i32, end: i32, heads: i32, length: i32, channels: i32, factor: i32, scratch: usize,
): i32 {
  const width = channels / heads, pitch = <usize>channels * 6, row = <usize>length << 1;
  useRoom(scratch, length, width);
  let bits = 0;
  for (let head = begin; head < end; head++) {
    const s = score + <usize>head * <usize>length * row;
    const query = partOf(src, head, heads, length, channels, 0), key = partOf(src, head, heads, length, channels, 1);
    rowsByColumns(s, row, length, key, pitch, width, length);
    bits |= putResult(length, width, dst + ((query - src) << 1), pitch << 1, factor);
    columnsByColumns(s, row, length, query, pitch, width, length);
    bits |= putResult(length, width, dst + ((key - src) << 1), pitch << 1, factor);
  }
  return bits;
}

// Gradients of values, int32, in the same rows.
export function shareProducts(
  gradient: usize, share: usize, dst: usize, begin: i32, end: i32, heads: i32, length: i32, channels: i32, scratch: usize,
): i32 {
  const width = channels / heads, pitch = <usize>channels * 6, row = <usize>length << 1;
  useRoom(scratch, length, width);
  let bits = 0;
  for (let head = begin; head < end; head++) {
    const from = gradient + (outOf(head, heads, length, channels) << 1);
    columnsByColumns(share + <usize>head * <usize>length * row, row, length, from, <usize>channels << 1, width, length);
    bits |= putResult(length, width, dst + (partOf(0, head, heads, length, channels, 2) << 1), pitch << 1, 0);
  }
  return bits;
}

@inline
function narrowOne(x: i32, shift: i32, limit: i32): i16 {
  return <i16>min(limit, max(-limit, shift > 31 ? 0 : foldOne(x, shift)));
}

// Rows of queries, keys and values to mantissas: the first two parts by one shift, the third by another.
export function narrowParts(src: usize, dst: usize, rows: i32, channels: i32, scoreShift: i32, valueShift: i32, limit: i32): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < 3 * channels; c++) {
      store<i16>(dst, narrowOne(load<i32>(src), c < 2 * channels ? scoreShift : valueShift, limit));
      src += 4; dst += 2;
    }
  }
}
