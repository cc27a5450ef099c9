// Packs matrices of 12-bit mantissas (i16) into panels for the tile kernel: R rows (or columns) by pairs along k,
// R · 4 bytes a pair. Missing rows and an odd last k are zero.

// Four rows with contiguous k, given by their addresses; `step` is R · 4. Writes ceil(K / 2) vectors.
@inline
export function packFour(p0: usize, p1: usize, p2: usize, p3: usize, K: i32, dst: usize, step: usize): usize {
  let k = 0;
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
  for (; k + 2 <= K; k += 2) {
    const o = <usize>k << 1;
    store<i32>(dst, load<i32>(p0 + o)); store<i32>(dst, load<i32>(p1 + o), 4);
    store<i32>(dst, load<i32>(p2 + o), 8); store<i32>(dst, load<i32>(p3 + o), 12);
    dst += step;
  }
  if (k < K) {
    const o = <usize>k << 1;
    store<i32>(dst, <i32>load<u16>(p0 + o)); store<i32>(dst, <i32>load<u16>(p1 + o), 4);
    store<i32>(dst, <i32>load<u16>(p2 + o), 8); store<i32>(dst, <i32>load<u16>(p3 + o), 12);
    dst += step;
  }
  return dst;
}

// `rows` rows with contiguous k and a pitch of `pitch` bytes, in panels of R = 4 or 8. `zero` is a row of K zeros.
export function packContiguous(src: usize, pitch: usize, rows: i32, K: i32, R: i32, dst: usize, zero: usize): void {
  const step = <usize>R << 2, panel = <usize>((K + 1) >> 1) * step;
  for (let r = 0; r < rows; r += R) {
    for (let q = 0; q < R; q += 4) {
      const base = src + <usize>(r + q) * pitch, left = rows - r - q;
      packFour(
        left > 0 ? base : zero, left > 1 ? base + pitch : zero,
        left > 2 ? base + 2 * pitch : zero, left > 3 ? base + 3 * pitch : zero,
        K, dst + (<usize>q << 2), step,
      );
    }
    dst += panel;
  }
}

// `columns` columns, k going down with a pitch of `pitch` bytes, in panels of R = 4 or 8 columns.
export function packStrided(src: usize, pitch: usize, columns: i32, K: i32, R: i32, dst: usize): void {
  const step = <usize>R << 2, even = K & ~1;
  for (let j = 0; j < columns; j += R) {
    const base = src + (<usize>j << 1);
    if (j + R > columns) { packTail(base, pitch, columns - j, K, step, dst); return; }
    let s = base;
    for (let k = 0; k < even; k += 2) {
      if (R == 8) {
        const x = v128.load(s), y = v128.load(s + pitch);
        v128.store(dst, v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11));
        v128.store(dst, v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15), 16);
      } else {
        v128.store(dst, v128.shuffle<i16>(v128.load64_zero(s), v128.load64_zero(s + pitch), 0, 8, 1, 9, 2, 10, 3, 11));
      }
      dst += step; s += 2 * pitch;
    }
    if (even < K) {
      for (let c = 0; c < R; c++) store<i32>(dst + (<usize>c << 2), <i32>load<u16>(s + (<usize>c << 1)));
      dst += step;
    }
  }
}

// The last panel, narrower than R.
function packTail(src: usize, pitch: usize, columns: i32, K: i32, step: usize, dst: usize): void {
  for (let k = 0; k < K; k += 2) {
    memory.fill(dst, 0, step);
    for (let c = 0; c < columns; c++) {
      const at = src + <usize>k * pitch + (<usize>c << 1);
      const high: i32 = k + 1 < K ? <i32>load<u16>(at + pitch) << 16 : 0;
      store<i32>(dst + (<usize>c << 2), <i32>load<u16>(at) | high);
    }
    dst += step;
  }
}
