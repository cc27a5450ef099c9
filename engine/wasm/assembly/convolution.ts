// Convolution as products over windows of a zero-padded image: windows are packed on the fly, never stored whole.
import { endPanel, groupsOf, packFour, packStrided, panelBytes, turnFour, wholeGroups } from './pack';
import { addWide, anyTile, foldOne, tile } from './tile';
import { finish } from './rounding';

// Copies images [count, height, width, pixel bytes] into a padded one: pixel (y, x) goes to (y · sy, x · sx) from `dst`.
export function place(
  src: usize, dst: usize, count: i32, height: i32, width: i32, pixel: usize, sy: i32, sx: i32, pitch: usize, plane: usize,
): void {
  const row = <usize>width * pixel;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < height; y++) {
      const to = dst + <usize>n * plane + <usize>(y * sy) * pitch;
      if (sx == 1) memory.copy(to, src, row);
      else for (let x = 0; x < width; x++) memory.copy(to + <usize>(x * sx) * pixel, src + <usize>x * pixel, pixel);
      src += row;
    }
  }
}

// Kernel [taps, channels, filters] to the one of the input gradient: [taps reversed, filters, channels].
export function flip(src: usize, dst: usize, taps: i32, channels: i32, filters: i32): void {
  for (let t = taps - 1; t >= 0; t--) {
    for (let n = 0; n < filters; n++) {
      for (let c = 0; c < channels; c++) {
        store<i16>(dst, load<i16>(src + (<usize>((t * channels + c) * filters + n) << 1)));
        dst += 2;
      }
    }
  }
}

// Addresses of the windows' first elements, as u32, for `total` positions in order.
export function windows(
  src: usize, dst: usize, count: i32, rows: i32, columns: i32, stepX: usize, stepY: usize, plane: usize,
): void {
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < rows; y++) {
      let at = src + <usize>n * plane + <usize>y * stepY;
      for (let x = 0; x < columns; x++) {
        store<u32>(dst, <u32>at);
        dst += 4; at += stepX;
      }
    }
  }
}

// Copies one window (kh segments of `segment` elements) to contiguous memory; may write up to 14 bytes beyond.
@inline
function gather(from: usize, pitch: usize, kh: i32, segment: i32, dst: usize): void {
  const bytes = <usize>segment << 1;
  for (let i = 0; i < kh; i++) {
    for (let o: usize = 0; o < bytes; o += 16) v128.store(dst + o, v128.load(from + o));
    from += pitch; dst += bytes;
  }
}

@inline
function address(at: usize): usize {
  return <usize>load<u32>(at);
}

// Four windows to one packed panel.
@inline
function packWindows(at: usize, left: i32, pitch: usize, kh: i32, segment: i32, scratch: usize, panel: usize): void {
  const p0 = address(at);
  const p1 = left > 1 ? address(at + 4) : p0, p2 = left > 2 ? address(at + 8) : p0;
  const p3 = left > 3 ? address(at + 12) : p0;
  const K = kh * segment;
  if (wholeGroups(segment)) {
    let dst = panel, o: usize = 0;
    for (let i = 0; i < kh; i++) {
      dst = packFour(p0 + o, p1 + o, p2 + o, p3 + o, segment, dst, 16);
      o += pitch;
    }
    endPanel(panel, groupsOf(K));
    return;
  }
  const row = (<usize>K << 1) + 16;
  gather(p0, pitch, kh, segment, scratch); gather(p1, pitch, kh, segment, scratch + row);
  gather(p2, pitch, kh, segment, scratch + 2 * row); gather(p3, pitch, kh, segment, scratch + 3 * row);
  packFour(scratch, scratch + row, scratch + 2 * row, scratch + 3 * row, K, panel, 16);
  endPanel(panel, groupsOf(K));
}

// Z [positions, N] = windows · packed kernel, plus bias and ReLU. N is a multiple of 8. Returns the OR of magnitudes.
export function convolve(
  at: usize, positions: i32, pitch: usize, kh: i32, segment: i32, pb: usize, N: i32,
  limit: i32, shift: i32, bias: usize, rectify: i32, c: usize, panel: usize, scratch: usize,
): i32 {
  const groups = groupsOf(kh * segment), panelB = panelBytes(groups, 8), ldc = <usize>N << 2;
  let bits = 0;
  for (let p = 0; p < positions; p += 4) {
    packWindows(at, positions - p, pitch, kh, segment, scratch, panel);
    let b = pb;
    for (let j = 0; j < N; j += 8) {
      anyTile(panel, b, groups, limit, shift, c + (<usize>j << 2), ldc);
      b += panelB;
    }
    bits |= finish(c, min(4, positions - p), N, bias, rectify);
    c += 4 * ldc; at += 16;
  }
  return bits;
}

// One panel: four elements at offset o of each of n windows.
@inline
function packTap(at: usize, n: i32, o: usize, dst: usize): usize {
  const panel = dst;
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let p = 0; p < n; p += 4) {
      const q = at + (<usize>p << 2);
      v128.store(dst, turnFour(address(q) + o, address(q + 4) + o, address(q + 8) + o, address(q + 12) + o));
      dst += 16;
    }
    endPanel(panel, n >> 2);
    return dst + 16;
  }
  for (let p = 0; p < n; p += 2) {
    const x = v128.load64_zero(address(at + (<usize>p << 2)) + o);
    const y = p + 1 < n ? v128.load64_zero(address(at + (<usize>p << 2) + 4) + o) : i64x2.splat(0);
    v128.store(dst, v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11));
    dst += 16;
  }
  return dst;
}

// Packs rows (taps · channels) by groups of positions into panels of 4 rows.
function packTaps(at: usize, n: i32, pitch: usize, kh: i32, segment: i32, scratch: usize, dst: usize): void {
  const K = kh * segment;
  const whole = ASC_FEATURE_RELAXED_SIMD ? (n & 3) == 0 : true;
  if ((segment & 3) == 0 && whole) {
    for (let i = 0; i < kh; i++) {
      for (let s = 0; s < segment; s += 4) dst = packTap(at, n, <usize>i * pitch + (<usize>s << 1), dst);
    }
    return;
  }
  const row = <usize>K << 1;
  for (let p = 0; p < n; p++) gather(address(at + (<usize>p << 2)), pitch, kh, segment, scratch + <usize>p * row);
  packStrided(scratch, row, K, n, 4, dst);
}

// Adds windowsᵀ · gradient [positions, N] to the int64 `sums` [ceil4(K), ceil8(N)], which it clears first, in blocks of `limit` pairs
// of positions; `c` is scratch of the same shape in int32.
export function kernelGradient(
  at: usize, positions: i32, pitch: usize, kh: i32, segment: i32, gradient: usize, N: i32,
  limit: i32, c: usize, sums: usize, pa: usize, pb: usize, scratch: usize,
): void {
  const K = kh * segment, rows = (K + 3) & ~3, columns = (N + 7) & ~7, cells = rows * columns;
  const ldc = <usize>columns << 2, block = limit << 1;
  memory.fill(sums, 0, <usize>cells << 3);
  for (let p = 0; p < positions; p += block) {
    const n = min(block, positions - p), groups = groupsOf(n);
    const panelA = panelBytes(groups, 4), panelB = panelBytes(groups, 8);
    packTaps(at + (<usize>p << 2), n, pitch, kh, segment, scratch, pa);
    packStrided(gradient + (<usize>p * <usize>N << 1), <usize>N << 1, N, n, 8, pb);
    for (let j = 0; j < columns; j += 8) {
      for (let i = 0; i < rows; i += 4) {
        tile(pa + <usize>(i >> 2) * panelA, pb + <usize>(j >> 3) * panelB, groups, c + <usize>i * ldc + (<usize>j << 2), ldc);
      }
    }
    for (let i = 0; i < cells; i += 4) addWide(c + (<usize>i << 2), sums + (<usize>i << 3));
  }
}

// Folds the first `n` sums of `pieces` arrays of `cells` int64, one behind the other, into int32.
export function foldSums(sums: usize, pieces: i32, cells: i32, n: i32, shift: i32, c: usize): void {
  for (let i = 0; i < n; i++) {
    let total: i64 = 0;
    for (let p = 0; p < pieces; p++) total += load<i64>(sums + (<usize>(p * cells + i) << 3));
    store<i32>(c + (<usize>i << 2), foldOne(total, <i64>shift));
  }
}
