// The tile kernel: 4 × 8 sums of products of i16 pairs, and products longer than one int32 block.

// c (4 rows of 8 int32, `ldc` bytes apart) = panel a · panel b over kp ≥ 1 pairs.
@inline
export function tile(pa: usize, pb: usize, kp: i32, c: usize, ldc: usize): void {
  let c00 = i32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  do {
    const b0 = v128.load(pb), b1 = v128.load(pb, 16);
    let a = v128.load32_splat(pa);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(a, b0)); c01 = i32x4.add(c01, i32x4.dot_i16x8_s(a, b1));
    a = v128.load32_splat(pa, 4);
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(a, b0)); c11 = i32x4.add(c11, i32x4.dot_i16x8_s(a, b1));
    a = v128.load32_splat(pa, 8);
    c20 = i32x4.add(c20, i32x4.dot_i16x8_s(a, b0)); c21 = i32x4.add(c21, i32x4.dot_i16x8_s(a, b1));
    a = v128.load32_splat(pa, 12);
    c30 = i32x4.add(c30, i32x4.dot_i16x8_s(a, b0)); c31 = i32x4.add(c31, i32x4.dot_i16x8_s(a, b1));
    pa += 16; pb += 32;
  } while (--kp);
  v128.store(c, c00); v128.store(c, c01, 16); c += ldc;
  v128.store(c, c10); v128.store(c, c11, 16); c += ldc;
  v128.store(c, c20); v128.store(c, c21, 16); c += ldc;
  v128.store(c, c30); v128.store(c, c31, 16);
}

// 32 int32 partial sums and 32 int64 sums of the tile in progress.
const partial: usize = memory.data(128, 16);
const wide: usize = memory.data(256, 16);

@inline
export function addWide(from: usize, to: usize): void {
  const x = v128.load(from);
  v128.store(to, i64x2.add(v128.load(to), i64x2.extend_low_i32x4_s(x)));
  v128.store(to, i64x2.add(v128.load(to, 16), i64x2.extend_high_i32x4_s(x)), 16);
}

// floor((x + 2^(shift−1)) / 2^shift), saturated to ±(2^31 − 1).
@inline
export function foldOne(x: i64, shift: i64): i32 {
  const y = shift > 0 ? (x >> shift) + ((x >> (shift - 1)) & 1) : x;
  return <i32>min<i64>(2147483647, max<i64>(-2147483647, y));
}

function foldTile(c: usize, ldc: usize, shift: i32): void {
  for (let i: usize = 0; i < 4; i++) {
    for (let j: usize = 0; j < 8; j++) {
      store<i32>(c + i * ldc + (j << 2), foldOne(load<i64>(wide + (i << 6) + (j << 3)), <i64>shift));
    }
  }
}

// A tile over any number of pairs: blocks of `limit` pairs are exact in int32, their sum is exact in int64.
export function longTile(pa: usize, pb: usize, kp: i32, limit: i32, shift: i32, c: usize, ldc: usize): void {
  memory.fill(wide, 0, 256);
  while (kp > 0) {
    const n = min(kp, limit);
    tile(pa, pb, n, partial, 32);
    for (let i: usize = 0; i < 8; i++) addWide(partial + (i << 4), wide + (i << 5));
    pa += <usize>n << 4; pb += <usize>n << 5; kp -= n;
  }
  foldTile(c, ldc, shift);
}

// C [ceil4(M), ldc] = A · B from packed panels.
export function product(pa: usize, pb: usize, M: i32, K: i32, N: i32, limit: i32, shift: i32, c: usize, ldc: usize): void {
  const kp = (K + 1) >> 1, panelA = <usize>kp << 4, panelB = <usize>kp << 5;
  for (let j = 0; j < N; j += 8) {
    let a = pa, at = c + (<usize>j << 2);
    for (let i = 0; i < M; i += 4) {
      if (kp <= limit) tile(a, pb, kp, at, ldc);
      else longTile(a, pb, kp, limit, shift, at, ldc);
      a += panelA; at += 4 * ldc;
    }
    pb += panelB;
  }
}
