// Layer and batch normalisation. Doubles hold integers below 2^53, so every operation on them is exact, as in the reference.
import { addSaturated, orLanes } from './rounding';

const MAX: f64 = 2147483647;
// Added to an integer below 2^51 it leaves that integer's low word as the low word of the double.
const TO_WORD: f64 = 6755399441055744;

@inline
function powerOfTwo(n: i32): f64 {
  return reinterpret<f64>(<i64>(1023 + n) << 52);
}

// floor((2 · sum + n) / 2n).
@inline
function meanOf(sum: f64, n: f64): f64 {
  return Math.floor((2 * sum + n) / (2 * n));
}

@inline
function bitLength(x: i64): i32 {
  return 64 - <i32>clz<i64>(x);
}

// 1 / sqrt(w) as scale · 2^−shift: see engine/arithmetic/roots.ts. Stores scale · 2^(16 − shift) as a double.
@inline
function storeRoot(to: usize, w: i64): void {
  const half = (52 - bitLength(w)) >> 1;
  const x = <f64>w * powerOfTwo(2 * half);
  let root = Math.floor(Math.sqrt(x));
  if (root * root > x) root -= 1;
  store<f64>(to, Math.floor(powerOfTwo(46) / root) * powerOfTwo(16 - 46 + half));
}

// From sum and sum of squares of n mantissas: mean and variance (f64, at 2^−4 of a mantissa and its square), then the root.
// `epsilon` is the power of two added to the variance, none where it is negative. 24 bytes.
@inline
function storeStatistics(to: usize, sum: i64, squares: i64, n: i32, epsilon: i32): void {
  const mean = meanOf(<f64>sum * 16, n);
  const m = <i64>mean;
  const deviations = (squares << 8) - ((m * sum) << 5) + <i64>n * m * m;
  const variance = <i64>Math.floor(<f64>deviations / <f64>n);
  store<f64>(to, mean);
  store<f64>(to, <f64>variance, 8);
  storeRoot(to + 16, max<i64>(1, variance + (epsilon < 0 ? 0 : <i64>1 << <i64>epsilon)));
}

// Statistics of each row.
export function rowStatistics(src: usize, rows: i32, channels: i32, epsilon: i32, dst: usize): void {
  for (let r = 0; r < rows; r++) {
    let sum: i64 = 0, squares: i64 = 0;
    for (let c = 0; c < channels; c++) {
      const m = <i32>load<i16>(src);
      sum += m;
      squares += m * m;
      src += 2;
    }
    storeStatistics(dst, sum, squares, channels, epsilon);
    dst += 24;
  }
}

// Statistics of each of n channels from their sums (i32) and sums of squares (i64) over `positions`.
export function channelStatistics(sums: usize, squares: usize, n: i32, positions: i32, epsilon: i32, dst: usize): void {
  for (let c = 0; c < n; c++) {
    storeStatistics(dst + <usize>c * 24, load<i32>(sums + (<usize>c << 2)), load<i64>(squares + (<usize>c << 3)), positions, epsilon);
  }
}

// Sums over rows of a · b, columns of `pitch` elements apart, into int64.
export function columnDots(a: usize, b: usize, rows: i32, pitch: i32, columns: i32, dst: usize): void {
  const step = <usize>pitch << 1;
  let c = 0;
  for (; c + 8 <= columns; c += 8) {
    const o = <usize>c << 1, to = dst + (<usize>c << 3);
    memory.fill(to, 0, 64);
    for (let r = 0; r < rows; r += 512) eightDots(a + o + <usize>r * step, b + o + <usize>r * step, min(512, rows - r), step, to);
  }
  for (; c < columns; c++) {
    let sum: i64 = 0;
    for (let r = 0; r < rows; r++) {
      const o = <usize>r * step + (<usize>c << 1);
      sum += <i64>(<i32>load<i16>(a + o) * <i32>load<i16>(b + o));
    }
    store<i64>(dst + (<usize>c << 3), sum);
  }
}

// At most 512 rows: 2047² · 512 < 2^31.
@inline
function eightDots(a: usize, b: usize, rows: i32, step: usize, to: usize): void {
  let low = i32x4.splat(0), high = low;
  for (let r = 0; r < rows; r++) {
    const x = v128.load(a), y = v128.load(b);
    low = i32x4.add(low, i32x4.extmul_low_i16x8_s(x, y));
    high = i32x4.add(high, i32x4.extmul_high_i16x8_s(x, y));
    a += step; b += step;
  }
  v128.store(to, i64x2.add(v128.load(to), i64x2.extend_low_i32x4_s(low)));
  v128.store(to, i64x2.add(v128.load(to, 16), i64x2.extend_high_i32x4_s(low)), 16);
  v128.store(to, i64x2.add(v128.load(to, 32), i64x2.extend_low_i32x4_s(high)), 32);
  v128.store(to, i64x2.add(v128.load(to, 48), i64x2.extend_high_i32x4_s(high)), 48);
}

// Two int32 from the low half of `m` (i32x4 of mantissas): floor((16m − mean) · root + 1/2).
@inline
function unitPair(m: v128, mean: v128, root: v128): v128 {
  const d = f64x2.sub(f64x2.mul(f64x2.convert_low_i32x4_s(m), f64x2.splat(16)), mean);
  return f64x2.add(f64x2.floor(f64x2.add(f64x2.mul(d, root), f64x2.splat(0.5))), f64x2.splat(TO_WORD));
}

@inline
function unitOf(m: i32, statistics: usize): i32 {
  const d = <f64>m * 16 - load<f64>(statistics);
  return <i32>Math.floor(d * load<f64>(statistics, 16) + 0.5);
}

// (x − mean) / σ at 2^−16; statistics belong to rows, or to channels. Cannot saturate: at most 2^10.5 in magnitude.
export function normalise(src: usize, dst: usize, rows: i32, channels: i32, statistics: usize, byRow: i32): i32 {
  let bits = i32x4.splat(0), rest = 0;
  for (let r = 0; r < rows; r++) {
    let s = statistics, c = 0;
    for (; c + 4 <= channels; c += 4) {
      const m = i32x4.extend_low_i16x8_s(v128.load64_zero(src));
      const t = byRow ? s : s + 24, u = byRow ? s : s + 48, v = byRow ? s : s + 72;
      const a = unitPair(m, pairOf(s, t), pairOf(s + 16, t + 16));
      const b = unitPair(v128.shuffle<i64>(m, m, 1, 1), pairOf(u, v), pairOf(u + 16, v + 16));
      const value = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
      v128.store(dst, value);
      bits = v128.or(bits, i32x4.abs(value));
      src += 8; dst += 16;
      if (!byRow) s += 96;
    }
    for (; c < channels; c++) {
      const value = unitOf(load<i16>(src), s);
      store<i32>(dst, value);
      rest |= abs(value);
      src += 2; dst += 4;
      if (!byRow) s += 24;
    }
    if (byRow) statistics += 24;
  }
  return rest | orLanes(bits);
}

@inline
function pairOf(a: usize, b: usize): v128 {
  return v128.load64_lane(b, v128.load64_zero(a), 1);
}

// u · scale + offset, scale (i16) and offset (i32) by channel.
export function scaleOffset(src: usize, scale: usize, offset: usize, dst: usize, rows: i32, channels: i32): i32 {
  let bits = i32x4.splat(0), rest = 0;
  for (let r = 0; r < rows; r++) {
    let c = 0;
    for (; c + 8 <= channels; c += 8) {
      const u = v128.load(src), g = v128.load(scale + (<usize>c << 1));
      const a = addSaturated(i32x4.extmul_low_i16x8_s(u, g), v128.load(offset + (<usize>c << 2)));
      const b = addSaturated(i32x4.extmul_high_i16x8_s(u, g), v128.load(offset + (<usize>c << 2), 16));
      v128.store(dst, a); v128.store(dst, b, 16);
      bits = v128.or(bits, v128.or(i32x4.abs(a), i32x4.abs(b)));
      src += 16; dst += 32;
    }
    for (; c < channels; c++) {
      const product = <i32>load<i16>(src) * <i32>load<i16>(scale + (<usize>c << 1));
      const sum = <i64>product + <i64>load<i32>(offset + (<usize>c << 2));
      const value = <i32>min<i64>(2147483647, max<i64>(-2147483647, sum));
      store<i32>(dst, value);
      rest |= abs(value);
      src += 2; dst += 4;
    }
  }
  return rest | orLanes(bits);
}

// Of each row of h and units: mean of h at 2^−8 and mean of h · units, as doubles. 16 bytes.
export function rowSlopes(h: usize, units: usize, rows: i32, channels: i32, dst: usize): void {
  for (let r = 0; r < rows; r++) {
    let sum: i64 = 0, dot: i64 = 0;
    for (let c = 0; c < channels; c++) {
      const x = <i32>load<i16>(h);
      sum += x;
      dot += x * <i32>load<i16>(units);
      h += 2; units += 2;
    }
    store<f64>(dst, meanOf(<f64>(sum << 8), channels));
    store<f64>(dst, meanOf(<f64>dot, channels), 8);
    dst += 16;
  }
}

// The same of each channel from its sums.
export function channelSlopes(sums: usize, dots: usize, n: i32, positions: i32, dst: usize): void {
  for (let c = 0; c < n; c++) {
    store<f64>(dst, meanOf(<f64>(<i64>load<i32>(sums + (<usize>c << 2)) << 8), positions));
    store<f64>(dst, meanOf(<f64>load<i64>(dots + (<usize>c << 3)), positions), 8);
    dst += 16;
  }
}

// The comparing forms of min and max are one instruction each; those of IEEE 754 are many.
@inline
function limited(x: v128): v128 {
  return f64x2.pmax(f64x2.splat(-MAX), f64x2.pmin(f64x2.splat(MAX), x));
}

@inline
function rounded(x: v128): v128 {
  return limited(f64x2.floor(f64x2.add(x, f64x2.splat(0.5))));
}

// Two values: sat(rest · root), rest = sat(256h − mean − sat(u · slope · along)).
@inline
function backPair(h: v128, u: v128, slopes: v128, slopesNext: v128, along: v128, root: v128): v128 {
  const means = v128.shuffle<i64>(slopes, slopesNext, 0, 2), slope = v128.shuffle<i64>(slopes, slopesNext, 1, 3);
  const part = rounded(f64x2.mul(f64x2.mul(f64x2.convert_low_i32x4_s(u), slope), along));
  const rest = limited(f64x2.sub(f64x2.sub(f64x2.mul(f64x2.convert_low_i32x4_s(h), f64x2.splat(256)), means), part));
  return f64x2.add(rounded(f64x2.mul(rest, root)), f64x2.splat(TO_WORD));
}

// Gradient of the input; `shift` takes units · slope to 2^−8 of h.
export function normBackward(
  h: usize, units: usize, dst: usize, rows: i32, channels: i32, statistics: usize, slopes: usize, byRow: i32, shift: i32,
): i32 {
  const along = f64x2.splat(powerOfTwo(-shift));
  let bits = i32x4.splat(0), rest = 0;
  for (let r = 0; r < rows; r++) {
    let s = statistics + 16, p = slopes;
    for (let c = 0; c < channels; c += 2) {
      const two = c + 1 < channels;
      const t = byRow || !two ? s : s + 24, q = byRow || !two ? p : p + 16;
      const x = i32x4.extend_low_i16x8_s(v128.load32_zero(h)), u = i32x4.extend_low_i16x8_s(v128.load32_zero(units));
      const pair = backPair(x, u, v128.load(p), v128.load(q), along, pairOf(s, t));
      const value = v128.shuffle<i32>(pair, pair, 0, 2, 0, 2);
      if (two) {
        v128.store64_lane(dst, value, 0);
        bits = v128.or(bits, i32x4.abs(value));
      } else {
        const one = i32x4.extract_lane(value, 0);
        store<i32>(dst, one);
        rest |= abs(one);
      }
      const step = two ? 2 : 1;
      h += <usize>step << 1; units += <usize>step << 1; dst += <usize>step << 2;
      if (!byRow) { s += 48; p += 32; }
    }
    if (byRow) { statistics += 24; slopes += 16; }
  }
  return rest | orLanes(bits);
}

// A prediction: x̂ from moving mean (i32) and factors (f64) by channel; `shift` takes mantissas to 2^−24.
export function normaliseMoving(
  src: usize, dst: usize, rows: i32, channels: i32, means: usize, factors: usize, shift: i32,
): i32 {
  const scale = powerOfTwo(-shift);
  let bits = 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < channels; c++) {
      const x = one(<f64>load<i16>(src) * scale);
      const d = limit(x - <f64>load<i32>(means + (<usize>c << 2)));
      const value = <i32>one(d * load<f64>(factors + (<usize>c << 3)));
      store<i32>(dst, value);
      bits |= abs(value);
      src += 2; dst += 4;
    }
  }
  return bits;
}

@inline
function one(x: f64): f64 {
  return limit(Math.floor(x + 0.5));
}

@inline
function limit(x: f64): f64 {
  return x > MAX ? MAX : x < -MAX ? -MAX : x;
}
