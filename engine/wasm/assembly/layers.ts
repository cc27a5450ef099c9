// Element-wise layers and the optimiser.
import { addSaturated, orLanes, rescale, roundShift, subtractSaturated } from './rounding';

// u8 inputs to mantissas min(limit, roundShift(x, shift)); n is rounded up to 8.
export function widen(src: usize, dst: usize, n: i32, shift: i32, limit: i32): void {
  const rounding: i32 = (1 << shift) >> 1;
  const half = i16x8.splat(<i16>rounding), high = i16x8.splat(<i16>limit);
  for (let i = 0; i < n; i += 8) {
    v128.store(dst, i16x8.min_s(high, i16x8.shr_u(i16x8.add(v128.load8x8_u(src), half), shift)));
    src += 8; dst += 16;
  }
}

export function relu(src: usize, dst: usize, n: i32): void {
  const zero = i16x8.splat(0);
  for (let i = 0; i < n; i += 8) {
    v128.store(dst, i16x8.max_s(zero, v128.load(src)));
    src += 16; dst += 16;
  }
}

// Keeps gradients where the output is positive. `dst` may be `gradient`.
export function mask(gradient: usize, output: usize, dst: usize, n: i32): void {
  const zero = i16x8.splat(0);
  for (let i = 0; i < n; i += 8) {
    v128.store(dst, v128.and(v128.load(gradient), i16x8.gt_s(v128.load(output), zero)));
    gradient += 16; output += 16; dst += 16;
  }
}

// Sums of columns of mantissas into int32.
export function columnSums(src: usize, rows: i32, columns: i32, dst: usize): void {
  for (let j = 0; j < columns; j += 8) {
    let s = src + (<usize>j << 1);
    if (j + 8 <= columns) {
      let low = i32x4.splat(0), high = low;
      for (let i = 0; i < rows; i++) {
        const v = v128.load(s);
        low = i32x4.add(low, i32x4.extend_low_i16x8_s(v));
        high = i32x4.add(high, i32x4.extend_high_i16x8_s(v));
        s += <usize>columns << 1;
      }
      v128.store(dst + (<usize>j << 2), low);
      v128.store(dst + (<usize>j << 2), high, 16);
    } else {
      for (let c = j; c < columns; c++) {
        let sum = 0;
        for (let i = 0; i < rows; i++) sum += <i32>load<i16>(src + (<usize>(i * columns + c) << 1));
        store<i32>(dst + (<usize>c << 2), sum);
      }
    }
  }
}

// One optimiser step on a tensor; n is rounded up to 4. `bits` holds the ORs of the magnitudes of w and v
// before; those of these elements after it go to `out`.
export function update(w: usize, v: usize, g: usize, n: i32, shift: i32, momentum: i32, rate: i32, bits: usize, out: usize): void {
  const small = load<i32>(bits) < 1 << 30 && load<i32>(bits, 4) < 1 << 29;
  if (small && shift >= 2 && shift <= 31 && momentum > 0 && rate > 0) updateSmall(w, v, g, n, shift, momentum, rate, out);
  else updateAny(w, v, g, n, shift, momentum, rate, out);
}

function updateAny(w: usize, v: usize, g: usize, n: i32, shift: i32, momentum: i32, rate: i32, out: usize): void {
  let wBits = i32x4.splat(0), vBits = wBits;
  for (let i = 0; i < n; i += 4) {
    const before = v128.load(v);
    const velocity = addSaturated(i32x4.sub(before, roundShift(before, momentum)), rescale(v128.load(g), shift));
    const weight = subtractSaturated(v128.load(w), roundShift(velocity, rate));
    v128.store(v, velocity);
    v128.store(w, weight);
    wBits = v128.or(wBits, i32x4.abs(weight));
    vBits = v128.or(vBits, i32x4.abs(velocity));
    w += 16; v += 16; g += 16;
  }
  store<i32>(out, orLanes(wBits));
  store<i32>(out, orLanes(vBits), 4);
}

@inline
function halfUp(x: v128, s: i32, t: i32): v128 {
  return i32x4.add(i32x4.shr_s(x, s), v128.and(i32x4.shr_s(x, t), i32x4.splat(1)));
}

// |w| < 2^30, |v| < 2^29 and a gradient shifted by 2 or more: no sum can overflow, so nothing saturates.
function updateSmall(w: usize, v: usize, g: usize, n: i32, shift: i32, momentum: i32, rate: i32, out: usize): void {
  const s1 = shift - 1, m1 = momentum - 1, r1 = rate - 1;
  let wBits = i32x4.splat(0), vBits = wBits;
  for (let i = 0; i < n; i += 4) {
    const before = v128.load(v);
    const velocity = i32x4.add(i32x4.sub(before, halfUp(before, momentum, m1)), halfUp(v128.load(g), shift, s1));
    const weight = i32x4.sub(v128.load(w), halfUp(velocity, rate, r1));
    v128.store(v, velocity);
    v128.store(w, weight);
    wBits = v128.or(wBits, i32x4.abs(weight));
    vBits = v128.or(vBits, i32x4.abs(velocity));
    w += 16; v += 16; g += 16;
  }
  store<i32>(out, orLanes(wBits));
  store<i32>(out, orLanes(vBits), 4);
}

// Max-pooling over disjoint windows; `index` gets the place of the first largest element in its window (u16).
export function poolForward(
  src: usize, dst: usize, index: usize, count: i32, height: i32, width: i32, channels: i32, ph: i32, pw: i32,
): void {
  const rows = height / ph, columns = width / pw, pixel = <usize>channels << 1, pitch = <usize>width * pixel;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const from = src + <usize>(n * height + y * ph) * pitch + <usize>(x * pw) * pixel;
        let c = 0;
        for (; c + 8 <= channels; c += 8) poolEight(from + (<usize>c << 1), dst + (<usize>c << 1), index + (<usize>c << 1), pitch, pixel, ph, pw);
        for (; c < channels; c++) poolOne(from + (<usize>c << 1), dst + (<usize>c << 1), index + (<usize>c << 1), pitch, pixel, ph, pw);
        dst += pixel; index += pixel;
      }
    }
  }
}

@inline
function poolEight(from: usize, dst: usize, index: usize, pitch: usize, pixel: usize, ph: i32, pw: i32): void {
  let best = v128.load(from), at = i16x8.splat(0), place: i16 = 0;
  for (let i = 0; i < ph; i++) {
    for (let j = 0; j < pw; j++) {
      const v = v128.load(from + <usize>i * pitch + <usize>j * pixel), better = i16x8.gt_s(v, best);
      best = v128.bitselect(v, best, better);
      at = v128.bitselect(i16x8.splat(place), at, better);
      place++;
    }
  }
  v128.store(dst, best);
  v128.store(index, at);
}

function poolOne(from: usize, dst: usize, index: usize, pitch: usize, pixel: usize, ph: i32, pw: i32): void {
  let best = load<i16>(from), at = 0;
  for (let i = 0; i < ph; i++) {
    for (let j = 0; j < pw; j++) {
      const v = load<i16>(from + <usize>i * pitch + <usize>j * pixel);
      if (v > best) { best = v; at = i * pw + j; }
    }
  }
  store<i16>(dst, best);
  store<i16>(index, <i16>at);
}

// Routes gradients to the winners; elements outside every window keep what they hold (zero).
export function poolBackward(
  gradient: usize, index: usize, dst: usize, count: i32, height: i32, width: i32, channels: i32, ph: i32, pw: i32,
): void {
  const rows = height / ph, columns = width / pw, pixel = <usize>channels << 1, pitch = <usize>width * pixel;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const to = dst + <usize>(n * height + y * ph) * pitch + <usize>(x * pw) * pixel;
        for (let i = 0; i < ph; i++) {
          for (let j = 0; j < pw; j++) routePixel(gradient, index, to + <usize>i * pitch + <usize>j * pixel, channels, <i16>(i * pw + j));
        }
        gradient += pixel; index += pixel;
      }
    }
  }
}

@inline
function routePixel(gradient: usize, index: usize, to: usize, channels: i32, place: i16): void {
  let c = 0;
  const places = i16x8.splat(place);
  for (; c + 8 <= channels; c += 8) {
    const o = <usize>c << 1;
    v128.store(to + o, v128.and(v128.load(gradient + o), i16x8.eq(v128.load(index + o), places)));
  }
  for (; c < channels; c++) {
    const o = <usize>c << 1;
    store<i16>(to + o, load<i16>(index + o) == place ? load<i16>(gradient + o) : 0);
  }
}
