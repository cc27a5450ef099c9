// Rounding shifts, saturation and narrowing on vectors; the same bits as engine/arithmetic/integers.ts.

const MAX: i32 = 2147483647;

// floor((x + 2^(s−1)) / 2^s) without overflow, 0 ≤ s ≤ 31.
@inline
export function roundShift(x: v128, s: i32): v128 {
  return s == 0 ? x : i32x4.add(i32x4.shr_s(x, s), v128.and(i32x4.shr_s(x, s - 1), i32x4.splat(1)));
}

@inline
export function clampLow(x: v128): v128 {
  return i32x4.max_s(x, i32x4.splat(-MAX));
}

@inline
function saturated(sign: v128): v128 {
  return v128.xor(i32x4.shr_s(sign, 31), i32x4.splat(MAX));
}

// a + b, saturated to ±(2^31 − 1).
@inline
export function addSaturated(a: v128, b: v128): v128 {
  const r = i32x4.add(a, b);
  const over = i32x4.shr_s(v128.and(v128.xor(a, r), v128.xor(b, r)), 31);
  return clampLow(v128.bitselect(saturated(a), r, over));
}

@inline
export function subtractSaturated(a: v128, b: v128): v128 {
  const r = i32x4.sub(a, b);
  const over = i32x4.shr_s(v128.and(v128.xor(a, b), v128.xor(a, r)), 31);
  return clampLow(v128.bitselect(saturated(a), r, over));
}

// x · 2^−shift: rounding to the right, saturating to the left.
@inline
export function rescale(x: v128, shift: i32): v128 {
  if (shift >= 0) return shift > 31 ? i32x4.splat(0) : roundShift(x, shift);
  const left = min(31, -shift);
  const over = i32x4.gt_s(i32x4.abs(x), i32x4.splat(MAX >> left));
  return clampLow(v128.bitselect(saturated(x), i32x4.shl(x, left), over));
}

@inline
export function orLanes(x: v128): i32 {
  return i32x4.extract_lane(x, 0) | i32x4.extract_lane(x, 1) | i32x4.extract_lane(x, 2) | i32x4.extract_lane(x, 3);
}

// OR of all magnitudes: its bit length is that of the largest. n is rounded up to 4; the slack must be zero.
export function magnitude(src: usize, n: i32): i32 {
  let bits = i32x4.splat(0);
  for (let i = 0; i < n; i += 4) bits = v128.or(bits, i32x4.abs(v128.load(src + (<usize>i << 2))));
  return orLanes(bits);
}

// int32 to mantissas of at most ±limit. n is rounded up to 8.
export function narrow(src: usize, dst: usize, n: i32, shift: i32, limit: i32): void {
  const high = i16x8.splat(<i16>limit), low = i16x8.splat(<i16>-limit);
  for (let i = 0; i < n; i += 8) {
    const a = roundShift(v128.load(src), shift), b = roundShift(v128.load(src, 16), shift);
    v128.store(dst, i16x8.max_s(low, i16x8.min_s(high, i16x8.narrow_i32x4_s(a, b))));
    src += 32; dst += 16;
  }
}

// Adds the bias row, applies ReLU; `columns` is a multiple of 4 and the pitch. Returns the OR of magnitudes.
export function finish(c: usize, rows: i32, columns: i32, bias: usize, relu: i32): i32 {
  const floor = i32x4.splat(relu ? 0 : -MAX);
  let bits = i32x4.splat(0);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j += 4) {
      const z = i32x4.max_s(floor, addSaturated(v128.load(c), v128.load(bias + (<usize>j << 2))));
      bits = v128.or(bits, i32x4.abs(z));
      v128.store(c, z);
      c += 16;
    }
  }
  return orLanes(bits);
}

// Drops the padding columns of int32 rows, in place.
export function compact(c: usize, rows: i32, pitch: i32, columns: i32): void {
  for (let i = 1; i < rows; i++) {
    memory.copy(c + (<usize>(i * columns) << 2), c + (<usize>(i * pitch) << 2), <usize>columns << 2);
  }
  const end = rows * columns;
  memory.fill(c + (<usize>end << 2), 0, 32);
}
