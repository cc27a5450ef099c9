// The tile kernel: 4 × 8 exact sums of products, and products longer than one int32 block.
import { groupsOf, panelBytes } from './pack';

// c (4 rows of 8 int32, `ldc` bytes apart) = panel a · panel b over n ≥ 1 groups. In the relaxed build the sums are of a · (b + 64).
@inline
function sums(pa: usize, pb: usize, n: i32, c: usize, ldc: usize, ends: bool): void {
  let c00 = i32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  do {
    const b0 = v128.load(pb), b1 = v128.load(pb, 16);
    let a = v128.load32_splat(pa);
    c00 = multiplyAdd(a, b0, c00); c01 = multiplyAdd(a, b1, c01);
    a = v128.load32_splat(pa, 4);
    c10 = multiplyAdd(a, b0, c10); c11 = multiplyAdd(a, b1, c11);
    a = v128.load32_splat(pa, 8);
    c20 = multiplyAdd(a, b0, c20); c21 = multiplyAdd(a, b1, c21);
    a = v128.load32_splat(pa, 12);
    c30 = multiplyAdd(a, b0, c30); c31 = multiplyAdd(a, b1, c31);
    pa += 16; pb += 32;
  } while (--n);
  if (ASC_FEATURE_RELAXED_SIMD && ends) {
    // Behind the last group lie the sums of a's rows: Σ a·b = Σ a·(b + 64) − 64 · Σ a, modulo 2^32 and so exactly.
    const s = i32x4.shl(v128.load(pa), 6);
    const s0 = v128.shuffle<i32>(s, s, 0, 0, 0, 0), s1 = v128.shuffle<i32>(s, s, 1, 1, 1, 1);
    const s2 = v128.shuffle<i32>(s, s, 2, 2, 2, 2), s3 = v128.shuffle<i32>(s, s, 3, 3, 3, 3);
    c00 = i32x4.sub(c00, s0); c01 = i32x4.sub(c01, s0); c10 = i32x4.sub(c10, s1); c11 = i32x4.sub(c11, s1);
    c20 = i32x4.sub(c20, s2); c21 = i32x4.sub(c21, s2); c30 = i32x4.sub(c30, s3); c31 = i32x4.sub(c31, s3);
  }
  v128.store(c, c00); v128.store(c, c01, 16); c += ldc;
  v128.store(c, c10); v128.store(c, c11, 16); c += ldc;
  v128.store(c, c20); v128.store(c, c21, 16); c += ldc;
  v128.store(c, c30); v128.store(c, c31, 16);
}

@inline
function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD
    ? i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, c)
    : i32x4.add(c, i32x4.dot_i16x8_s(a, b));
}

@inline
export function tile(pa: usize, pb: usize, groups: i32, c: usize, ldc: usize): void {
  sums(pa, pb, groups, c, ldc, true);
}

// 32 int32 partial sums and 32 int64 sums of the tile in progress: each thread's own.
let partial: usize = 0;
let wide: usize = 0;

// Gives this instance 384 bytes of its own.
export function useScratch(at: usize): void {
  partial = at;
  wide = at + 128;
}

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

function foldTile(c: usize, ldc: usize, shift: i32, rowSums: usize): void {
  for (let i: usize = 0; i < 4; i++) {
    const less = ASC_FEATURE_RELAXED_SIMD ? <i64>load<i32>(rowSums + (i << 2)) << 6 : 0;
    for (let j: usize = 0; j < 8; j++) {
      store<i32>(c + i * ldc + (j << 2), foldOne(load<i64>(wide + (i << 6) + (j << 3)) - less, <i64>shift));
    }
  }
}

// Groups whose sum is exact in int32: 127 · 127 · 4 · 32 768 < 2^31 for a · (b + 64); pairs of i16 are limited by the caller.
@inline
function blockOf(pairs: i32): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? 32768 : pairs;
}

// A tile over any number of groups: blocks are exact in int32, their sum is exact in int64.
function longTile(pa: usize, pb: usize, groups: i32, limit: i32, shift: i32, c: usize, ldc: usize): void {
  memory.fill(wide, 0, 256);
  const block = blockOf(limit);
  while (groups > 0) {
    const n = min(groups, block);
    sums(pa, pb, n, partial, 32, false);
    for (let i: usize = 0; i < 8; i++) addWide(partial + (i << 4), wide + (i << 5));
    pa += <usize>n << 4; pb += <usize>n << 5; groups -= n;
  }
  foldTile(c, ldc, shift, pa);
}

// A tile of a product, folded by `shift`. `limit` is in pairs of i16.
@inline
export function anyTile(pa: usize, pb: usize, groups: i32, limit: i32, shift: i32, c: usize, ldc: usize): void {
  if (groups <= blockOf(limit)) tile(pa, pb, groups, c, ldc);
  else longTile(pa, pb, groups, limit, shift, c, ldc);
}

// C [ceil4(M), ldc] = A · B from packed panels.
export function product(pa: usize, pb: usize, M: i32, K: i32, N: i32, limit: i32, shift: i32, c: usize, ldc: usize): void {
  const groups = groupsOf(K), panelA = panelBytes(groups, 4), panelB = panelBytes(groups, 8);
  for (let j = 0; j < N; j += 8) {
    let a = pa, at = c + (<usize>j << 2);
    for (let i = 0; i < M; i += 4) {
      anyTile(a, pb, groups, limit, shift, at, ldc);
      a += panelA; at += 4 * ldc;
    }
    pb += panelB;
  }
}
