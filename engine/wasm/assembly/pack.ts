// Packs matrices of mantissas (i16) into panels for the tile kernel: R = 4 rows of the left or 8 columns of the right operand
// by groups along k, R · 4 bytes a group. A group is a pair of i16, or in the relaxed build four i8. Missing rows and the rest of
// the last group are zero. In the relaxed build mantissas of the right operand are stored plus 64, so that they are unsigned,
// and each panel of the left one ends with the sums of its rows.

// Elements along k that one 32-bit word of a panel holds.
const GROUP: i32 = ASC_FEATURE_RELAXED_SIMD ? 4 : 2;
const OFFSET: i32 = 0x40404040;

@inline
export function groupsOf(K: i32): i32 {
  return (K + GROUP - 1) / GROUP;
}

// Bytes of a panel of R rows or columns.
@inline
export function panelBytes(groups: i32, R: i32): usize {
  const tail = ASC_FEATURE_RELAXED_SIMD && R == 4 ? 16 : 0;
  return <usize>(groups * R * 4 + tail);
}

// Whether rows of `segment` elements may be packed one after the other without a gap inside a group.
@inline
export function wholeGroups(segment: i32): bool {
  return segment % GROUP == 0;
}

// Ends a panel of the left operand: the sum of each row behind its last group.
@inline
export function endPanel(panel: usize, groups: i32): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  let sums = i32x4.splat(0);
  do {
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(panel))));
    panel += 16;
  } while (--groups);
  v128.store(panel, sums);
}

@inline
function offsetOf(step: usize): i32 {
  return ASC_FEATURE_RELAXED_SIMD && step == 32 ? OFFSET : 0;
}

// `n` ≤ GROUP elements, `stride` bytes apart, as one word.
@inline
function word(p: usize, stride: usize, n: i32, offset: i32): i32 {
  let x = 0;
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let i = 0; i < n; i++) x |= <i32>(<u8>load<i16>(p + <usize>i * stride)) << (i << 3);
    // Mantissas lie in −64 … 63 here, so adding 64 to each byte carries nowhere after the sign bit is dropped.
    return offset ? ((x & 0x7f7f7f7f) ^ offset) : x;
  }
  for (let i = 0; i < n; i++) x |= <i32>load<u16>(p + <usize>i * stride) << (i << 4);
  return x;
}

// Four rows with contiguous k, given by their addresses; `step` is R · 4. Writes a vector each group.
@inline
export function packFour(p0: usize, p1: usize, p2: usize, p3: usize, K: i32, dst: usize, step: usize): usize {
  let k = 0;
  const offset = offsetOf(step);
  if (ASC_FEATURE_RELAXED_SIMD) {
    const plus = i32x4.splat(offset);
    for (; k + 8 <= K; k += 8) {
      const o = <usize>k << 1;
      const ab = i8x16.narrow_i16x8_s(v128.load(p0 + o), v128.load(p1 + o));
      const cd = i8x16.narrow_i16x8_s(v128.load(p2 + o), v128.load(p3 + o));
      v128.store(dst, i8x16.add(plus, v128.shuffle<i32>(ab, cd, 0, 2, 4, 6))); dst += step;
      v128.store(dst, i8x16.add(plus, v128.shuffle<i32>(ab, cd, 1, 3, 5, 7))); dst += step;
    }
  } else {
    for (; k + 8 <= K; k += 8) {
      const o = <usize>k << 1;
      const a = v128.load(p0 + o), b = v128.load(p1 + o), c = v128.load(p2 + o), d = v128.load(p3 + o);
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      v128.store(dst, v128.shuffle<i64>(ab0, cd0, 0, 2)); dst += step;
      v128.store(dst, v128.shuffle<i64>(ab0, cd0, 1, 3)); dst += step;
      v128.store(dst, v128.shuffle<i64>(ab1, cd1, 0, 2)); dst += step;
      v128.store(dst, v128.shuffle<i64>(ab1, cd1, 1, 3)); dst += step;
    }
  }
  for (; k < K; k += GROUP) {
    const o = <usize>k << 1, n = min(GROUP, K - k);
    store<i32>(dst, word(p0 + o, 2, n, offset)); store<i32>(dst, word(p1 + o, 2, n, offset), 4);
    store<i32>(dst, word(p2 + o, 2, n, offset), 8); store<i32>(dst, word(p3 + o, 2, n, offset), 12);
    dst += step;
  }
  return dst;
}

// `rows` rows with contiguous k and a pitch of `pitch` bytes, in panels of R = 4 or 8. `zero` is a row of K zeros.
export function packContiguous(src: usize, pitch: usize, rows: i32, K: i32, R: i32, dst: usize, zero: usize): void {
  const step = <usize>R << 2, groups = groupsOf(K), panel = panelBytes(groups, R);
  for (let r = 0; r < rows; r += R) {
    for (let q = 0; q < R; q += 4) {
      const base = src + <usize>(r + q) * pitch, left = rows - r - q;
      packFour(
        left > 0 ? base : zero, left > 1 ? base + pitch : zero,
        left > 2 ? base + 2 * pitch : zero, left > 3 ? base + 3 * pitch : zero,
        K, dst + (<usize>q << 2), step,
      );
    }
    if (R == 4) endPanel(dst, groups);
    dst += panel;
  }
}

// Four elements of each of four rows along k, as four words: one a column.
@inline
export function turnFour(r0: usize, r1: usize, r2: usize, r3: usize): v128 {
  const x = v128.shuffle<i64>(v128.load64_zero(r0), v128.load64_zero(r1), 0, 2);
  const y = v128.shuffle<i64>(v128.load64_zero(r2), v128.load64_zero(r3), 0, 2);
  const n = i8x16.narrow_i16x8_s(x, y);
  return v128.shuffle<u8>(n, n, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

// One whole group of R columns.
@inline
function packGroup(s: usize, pitch: usize, R: i32, dst: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (R == 8) {
      const plus = i32x4.splat(OFFSET);
      const x = i8x16.narrow_i16x8_s(v128.load(s), v128.load(s + pitch));
      const y = i8x16.narrow_i16x8_s(v128.load(s + 2 * pitch), v128.load(s + 3 * pitch));
      v128.store(dst, i8x16.add(plus, v128.shuffle<u8>(x, y, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27)));
      v128.store(dst, i8x16.add(plus, v128.shuffle<u8>(x, y, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31)), 16);
    } else v128.store(dst, turnFour(s, s + pitch, s + 2 * pitch, s + 3 * pitch));
    return;
  }
  if (R == 8) {
    const x = v128.load(s), y = v128.load(s + pitch);
    v128.store(dst, v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(dst, v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  } else v128.store(dst, v128.shuffle<i16>(v128.load64_zero(s), v128.load64_zero(s + pitch), 0, 8, 1, 9, 2, 10, 3, 11));
}

// `columns` columns, k going down with a pitch of `pitch` bytes, in panels of R = 4 or 8 columns.
export function packStrided(src: usize, pitch: usize, columns: i32, K: i32, R: i32, dst: usize): void {
  const step = <usize>R << 2, whole = K - K % GROUP, groups = groupsOf(K), panel = panelBytes(groups, R);
  for (let j = 0; j < columns; j += R) {
    let s = src + (<usize>j << 1), to = dst;
    if (j + R <= columns) {
      for (let k = 0; k < whole; k += GROUP) {
        packGroup(s, pitch, R, to);
        to += step; s += <usize>GROUP * pitch;
      }
      if (whole < K) packWords(s, pitch, R, R, K - whole, step, to);
    } else {
      for (let k = 0; k < K; k += GROUP) {
        packWords(s, pitch, columns - j, R, min(GROUP, K - k), step, to);
        to += step; s += <usize>GROUP * pitch;
      }
    }
    if (R == 4) endPanel(dst, groups);
    dst += panel;
  }
}

// One group word by word: `n` elements of the first `columns` of R columns.
function packWords(s: usize, pitch: usize, columns: i32, R: i32, n: i32, step: usize, dst: usize): void {
  const offset = offsetOf(step);
  for (let c = 0; c < R; c++) {
    store<i32>(dst + (<usize>c << 2), c < columns ? word(s + (<usize>c << 1), pitch, n, offset) : offset);
  }
}
