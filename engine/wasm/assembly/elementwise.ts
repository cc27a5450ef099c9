// Element-wise layers of graphs: sums of blocks, GELU, dropout, average pooling. Results are int32 for `narrow`; each
// kernel returns the OR of their magnitudes, of exactly n elements.
import { foldOne } from './tile';
import { orLanes, rescale } from './rounding';

// x · 2^−shift of one mantissa: rounding to the right, saturating to the left.
@inline
function rescaleOne(x: i32, shift: i32): i32 {
  if (shift > 0) return shift > 31 ? 0 : foldOne(<i64>x, <i64>shift);
  return foldOne(<i64>x << <i64>min(31, -shift), 0);
}

// dst = src · 2^−shift, or dst += that unless it is the first block of a sum.
export function accumulate(src: usize, dst: usize, n: i32, shift: i32, first: i32): i32 {
  let bits = i32x4.splat(0), rest = 0, i = 0;
  const keep = i32x4.splat(first ? 0 : -1);
  for (; i + 8 <= n; i += 8) {
    const m = v128.load(src);
    const a = i32x4.add(v128.and(keep, v128.load(dst)), rescale(i32x4.extend_low_i16x8_s(m), shift));
    const b = i32x4.add(v128.and(keep, v128.load(dst, 16)), rescale(i32x4.extend_high_i16x8_s(m), shift));
    v128.store(dst, a); v128.store(dst, b, 16);
    bits = v128.or(bits, v128.or(i32x4.abs(a), i32x4.abs(b)));
    src += 16; dst += 32;
  }
  for (; i < n; i++) {
    const sum = (first ? 0 : load<i32>(dst)) + rescaleOne(load<i16>(src), shift);
    store<i32>(dst, sum);
    rest |= abs(sum);
    src += 2; dst += 4;
  }
  return rest | orLanes(bits);
}

// Adds one block of `size` elements to each of `count` stretches of dst.
export function addRepeated(src: usize, dst: usize, count: i32, size: i32, shift: i32): i32 {
  let bits = 0;
  for (let n = 0; n < count; n++) {
    bits |= accumulate(src, dst, size, shift, 0);
    dst += <usize>size << 2;
  }
  return bits;
}

// dst = table[m]; `table` is the address of the entry (i32) of mantissa 0.
export function lookUp(src: usize, table: usize, dst: usize, n: i32): i32 {
  let bits = 0;
  for (let i = 0; i < n; i++) {
    const value = load<i32>(table + (<isize>load<i16>(src) << 2));
    store<i32>(dst, value);
    bits |= abs(value);
    src += 2; dst += 4;
  }
  return bits;
}

// dst = g · table[m].
export function lookUpTimes(gradient: usize, src: usize, table: usize, dst: usize, n: i32): i32 {
  let bits = 0;
  for (let i = 0; i < n; i++) {
    const value = <i32>load<i16>(gradient) * load<i32>(table + (<isize>load<i16>(src) << 2));
    store<i32>(dst, value);
    bits |= abs(value);
    gradient += 2; src += 2; dst += 4;
  }
  return bits;
}

@inline
function mixed(x: v128): v128 {
  let y = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x7feb352d));
  y = i32x4.mul(v128.xor(y, i32x4.shr_u(y, 15)), i32x4.splat(0x846ca68b));
  return v128.xor(y, i32x4.shr_u(y, 16));
}

// Four values times `factor`, or 0 where the hash of their place falls below the rate.
@inline
function dropped(m: v128, place: v128, key: v128, rate: v128, factor: v128): v128 {
  const hash = i32x4.shr_u(mixed(v128.xor(key, i32x4.mul(place, i32x4.splat(0x85ebca6b)))), 24);
  return v128.and(i32x4.mul(m, factor), i32x4.ge_s(hash, rate));
}

// `first` is the place of the first element in the batch.
export function dropout(src: usize, dst: usize, n: i32, first: i32, key: i32, rateQ8: i32, factor: i32): i32 {
  const keys = i32x4.splat(key), rate = i32x4.splat(rateQ8), factors = i32x4.splat(factor);
  let bits = i32x4.splat(0), place = i32x4.add(i32x4.splat(first), i32x4(1, 2, 3, 4)), i = 0, rest = 0;
  for (; i + 4 <= n; i += 4) {
    const value = dropped(i32x4.extend_low_i16x8_s(v128.load64_zero(src)), place, keys, rate, factors);
    v128.store(dst, value);
    bits = v128.or(bits, i32x4.abs(value));
    place = i32x4.add(place, i32x4.splat(4));
    src += 8; dst += 16;
  }
  for (; i < n; i++) {
    const at = i32x4.splat(first + i + 1);
    const value = i32x4.extract_lane(dropped(i32x4.splat(load<i16>(src)), at, keys, rate, factors), 0);
    store<i32>(dst, value);
    rest |= abs(value);
    src += 2; dst += 4;
  }
  return rest | orLanes(bits);
}

// dst = src · factor.
export function scaleBy(src: usize, dst: usize, n: i32, factor: i32): i32 {
  let bits = 0;
  for (let i = 0; i < n; i++) {
    const value = <i32>load<i16>(src) * factor;
    store<i32>(dst, value);
    bits |= abs(value);
    src += 2; dst += 4;
  }
  return bits;
}

@inline
function windowSum(from: usize, pitch: usize, pixel: usize, ph: i32, pw: i32): i32 {
  let sum = 0;
  for (let i = 0; i < ph; i++) {
    for (let j = 0; j < pw; j++) sum += <i32>load<i16>(from + <usize>i * pitch + <usize>j * pixel);
  }
  return sum;
}

@inline
function meanOf(sum: i32, factor: i32, log: i32): i32 {
  return foldOne(<i64>sum * <i64>factor, <i64>log);
}

// Sums of windows times `factor`, shifted right by `log`.
export function averageForward(
  src: usize, dst: usize, count: i32, height: i32, width: i32, channels: i32, ph: i32, pw: i32, factor: i32, log: i32,
): i32 {
  const pixel = <usize>channels << 1, pitch = <usize>width * pixel;
  let bits = 0;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y + ph <= height; y += ph) {
      for (let x = 0; x + pw <= width; x += pw) {
        const from = src + <usize>(n * height + y) * pitch + <usize>x * pixel;
        for (let c = 0; c < channels; c++) {
          const value = meanOf(windowSum(from + (<usize>c << 1), pitch, pixel, ph, pw), factor, log);
          store<i32>(dst, value);
          bits |= abs(value);
          dst += 4;
        }
      }
    }
  }
  return bits;
}

// Each window's mantissa to all its elements; elements outside every window keep what they hold (zero).
export function spreadWindows(
  src: usize, dst: usize, count: i32, height: i32, width: i32, channels: i32, ph: i32, pw: i32,
): void {
  const pixel = <usize>channels << 1, pitch = <usize>width * pixel;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y + ph <= height; y += ph) {
      for (let x = 0; x + pw <= width; x += pw) {
        const to = dst + <usize>(n * height + y) * pitch + <usize>x * pixel;
        for (let i = 0; i < ph; i++) {
          for (let j = 0; j < pw; j++) memory.copy(to + <usize>i * pitch + <usize>j * pixel, src, pixel);
        }
        src += pixel;
      }
    }
  }
}

// Rows of a table of mantissas by token (u8).
export function gatherRows(tokens: usize, table: usize, dst: usize, n: i32, width: i32): void {
  const bytes = <usize>width << 1;
  for (let i = 0; i < n; i++) {
    memory.copy(dst, table + <usize>load<u8>(tokens + <usize>i) * bytes, bytes);
    dst += bytes;
  }
}

// Adds rows of gradients to the int32 rows of their tokens.
export function scatterRows(tokens: usize, gradient: usize, dst: usize, n: i32, width: i32): void {
  for (let i = 0; i < n; i++) {
    const to = dst + ((<usize>load<u8>(tokens + <usize>i) * <usize>width) << 2);
    for (let c = 0; c < width; c++) {
      const at = to + (<usize>c << 2);
      store<i32>(at, load<i32>(at) + <i32>load<i16>(gradient));
      gradient += 2;
    }
  }
}
