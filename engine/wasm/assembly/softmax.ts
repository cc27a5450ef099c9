// Integer softmax and cross-entropy; the same bits as engine/arithmetic/softmax.ts. `tables` holds 257 entries (i32) of 2^−x at
// 2^−20, then 257 of log2(1 + x) at 2^−16.
import { orLanes } from './rounding';

const LIMIT: i64 = 2097152;

// Distance below the largest in octaves at 2^−16.
@inline
function octaves(gap: i64, exponent: i32, factor: i32): i32 {
  if (gap == 0) return 0;
  const product = gap * <i64>factor;
  if (exponent >= 5) return <i32>LIMIT;
  if (exponent >= 0) return <i32>min<i64>(LIMIT, product << <i64>exponent);
  return exponent <= -52 ? 0 : <i32>min<i64>(LIMIT, product >> <i64>-exponent);
}

@inline
function between(table: usize, fraction: i32): i32 {
  const at = table + (<usize>(fraction >> 8) << 2), rest = fraction & 0xff;
  return (load<i32>(at) * (256 - rest) + load<i32>(at, 4) * rest) >> 8;
}

@inline
function exp2Negative(tables: usize, u: i32): i32 {
  const whole = u >> 16;
  return whole > 20 ? 0 : between(tables, u & 0xffff) >> whole;
}

@inline
function log2OfSum(tables: usize, sum: i32): i32 {
  const whole = 31 - <i32>clz<i32>(sum);
  const fraction = <i32>(((<i64>sum - (<i64>1 << <i64>whole)) << 16) >> <i64>whole);
  return ((whole - 20) << 16) + between(tables + 1028, fraction);
}

// Exponentials of n values (i32) to `out`, which may be `values`; returns their sum.
@inline
function exponentials(values: usize, n: i32, exponent: i32, factor: i32, tables: usize, out: usize): i32 {
  let largest = load<i32>(values), sum = 0;
  for (let j = 1; j < n; j++) largest = max(largest, load<i32>(values + (<usize>j << 2)));
  for (let j: usize = 0; j < <usize>n; j++) {
    const gap = <i64>largest - <i64>load<i32>(values + (j << 2));
    const e = exp2Negative(tables, octaves(gap, exponent, factor));
    store<i32>(out + (j << 2), e);
    sum += e;
  }
  return sum;
}

// floor((e · 2^20 + floor(sum / 2)) / sum) of two values, in the low words of two doubles.
@inline
function quotients(e: v128, half: v128, sum: v128): v128 {
  const x = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(e), f64x2.splat(1048576)), half);
  return f64x2.add(f64x2.floor(f64x2.div(x, sum)), f64x2.splat(6755399441055744));
}

// Four probabilities at 2^−20.
@inline
function four(e: v128, half: v128, sum: v128): v128 {
  return v128.shuffle<i32>(quotients(e, half, sum), quotients(v128.shuffle<i64>(e, e, 1, 1), half, sum), 0, 2, 4, 6);
}

// Shares of `n` scores at 2^−11, at most 2047, to i16. The scores are overwritten; up to three beyond them may be.
export function shares(scores: usize, n: i32, exponent: i32, factor: i32, tables: usize, dst: usize): void {
  const sum = exponentials(scores, n, exponent, factor, tables, scores);
  const half = f64x2.splat(<f64>(sum >> 1)), sums = f64x2.splat(sum);
  for (let j = 0; j < n; j += 4) {
    const p = four(v128.load(scores + (<usize>j << 2)), half, sums);
    const share = i32x4.shr_s(i32x4.add(p, i32x4.splat(256)), 9);
    const words = i16x8.narrow_i32x4_s(i32x4.min_s(share, i32x4.splat(2047)), i32x4.splat(0));
    if (j + 4 <= n) v128.store64_lane(dst + (<usize>j << 1), words, 0);
    else {
      for (let k = 0; k < n - j; k++) store<i16>(dst + (<usize>(j + k) << 1), lane(words, k));
    }
  }
}

@inline
function lane(words: v128, k: i32): i16 {
  return <i16>(i64x2.extract_lane(words, 0) >> (<i64>k << 4));
}

// Rows of `pitch` logits to gradients at 2^−20, one behind the other; losses (i32, at 2^−16) by row. Returns the OR of magnitudes.
export function crossEntropy(
  logits: usize, pitch: i32, rows: i32, classes: i32, exponent: i32, answers: usize, tables: usize, gradient: usize, losses: usize,
): i32 {
  let bits = 0, all = i32x4.splat(0);
  for (let r = 0; r < rows; r++) {
    const label = <usize>load<i32>(answers + (<usize>r << 2)) << 2;
    let largest = load<i32>(logits);
    for (let j = 1; j < classes; j++) largest = max(largest, load<i32>(logits + (<usize>j << 2)));
    const distance = octaves(<i64>largest - <i64>load<i32>(logits + label), exponent, 94548);
    const sum = exponentials(logits, classes, exponent, 94548, tables, gradient);
    const loss = (<i64>(distance + log2OfSum(tables, sum)) * 45426) >> 16;
    store<i32>(losses + (<usize>r << 2), <i32>loss);
    const half = sum >> 1;
    const halves = f64x2.splat(<f64>half), sums = f64x2.splat(sum), own = i32x4.splat(<i32>(label >> 2));
    let place = i32x4(0, 1, 2, 3), j = 0;
    for (; j + 4 <= classes; j += 4) {
      const at = gradient + (<usize>j << 2);
      const p = i32x4.sub(four(v128.load(at), halves, sums), v128.and(i32x4.eq(place, own), i32x4.splat(1048576)));
      v128.store(at, p);
      all = v128.or(all, i32x4.abs(p));
      place = i32x4.add(place, i32x4.splat(4));
    }
    for (; j < classes; j++) {
      const at = gradient + (<usize>j << 2);
      let p = <i32>((<f64>load<i32>(at) * 1048576 + <f64>half) / <f64>sum);
      if ((<usize>j << 2) == label) p -= 1048576;
      store<i32>(at, p);
      bits |= abs(p);
    }
    logits += <usize>pitch << 2; gradient += <usize>classes << 2;
  }
  return bits | orLanes(all);
}
