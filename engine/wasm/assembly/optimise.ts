// Optimisers beyond SGD, and clipping. Doubles hold integers below 2^53, so every operation on them is exact, as in the reference.

const MAX: f64 = 2147483647;

@inline
function powerOfTwo(n: i32): f64 {
  return reinterpret<f64>(<i64>(1023 + n) << 52);
}

@inline
function saturate(x: f64): f64 {
  return x > MAX ? MAX : x < -MAX ? -MAX : x;
}

// floor(x · 2^−s + 1/2) for |x| < 2^52: to nearest, halves upward; x itself for s = 0.
@inline
function roundShift(x: f64, scale: f64): f64 {
  return floor<f64>(x * scale + 0.5);
}

@inline
function bitLength(x: i32): i32 {
  return 32 - <i32>clz<i32>(x);
}

// Velocity v − v · 2^−momentum + g · 2^−shift, weight w − w · loss · 2^−32 − v · rate · 2^−24. Returns the OR of the weights' magnitudes.
export function sgdw(w: usize, v: usize, g: usize, n: i32, shift: i32, momentum: i32, rate: i32, loss: i32): i32 {
  const gradientScale = powerOfTwo(-max(-64, shift)), kept = powerOfTwo(-momentum);
  const ofRate = <f64>rate * powerOfTwo(-24), ofLoss = <f64>loss * powerOfTwo(-32);
  let bits = 0;
  for (let i = 0; i < n; i++) {
    const before = <f64>load<i32>(v);
    const gradient = saturate(roundShift(<f64>load<i32>(g), gradientScale));
    const velocity = saturate(before - roundShift(before, kept) + gradient);
    const weight = <f64>load<i32>(w);
    const next = <i32>saturate(weight - roundShift(weight, ofLoss) - roundShift(velocity, ofRate));
    store<i32>(v, <i32>velocity);
    store<i32>(w, next);
    bits |= abs(next);
    w += 4; v += 4; g += 4;
  }
  return bits;
}

@inline
function squareOf(x: f64, scale: f64): f64 {
  const digits = floor<f64>(x * scale);
  return digits * digits;
}

@inline
function integerRoot(x: f64): f64 {
  const root = floor<f64>(sqrt<f64>(x));
  return root * root > x ? root - 1 : root;
}

// Root of s² + (g² − s²) · 2^−shift, on 25 binary digits of the larger.
@inline
function renewedRoot(s: i32, g: i32, share: f64): f64 {
  const most = max(s, g);
  if (most == 0) return 0;
  const digits = 25 - bitLength(most), scale = powerOfTwo(digits);
  const kept = squareOf(s, scale);
  const root = integerRoot(kept - roundShift(kept, share) + roundShift(squareOf(g, scale), share));
  return saturate(digits > 0 ? roundShift(root, powerOfTwo(-digits)) : root * powerOfTwo(-digits));
}

// One step of AdamW; `shift` takes the gradient to 2^−34. Returns the OR of the weights' magnitudes.
export function adamw(
  w: usize, first: usize, second: usize, g: usize, n: i32, shift: i32, beta1: i32, beta2: i32, epsilon: i32, pace: i32, loss: i32,
): i32 {
  const gradientScale = powerOfTwo(-max(-64, shift)), share1 = powerOfTwo(-beta1), share2 = powerOfTwo(-beta2);
  const ofPace = <f64>pace * powerOfTwo(-28), ofLoss = <f64>loss * powerOfTwo(-32);
  let bits = 0;
  for (let i = 0; i < n; i++) {
    const gradient = saturate(roundShift(<f64>load<i32>(g), gradientScale)), before = <f64>load<i32>(first);
    const m = saturate(before + roundShift(gradient - before, share1));
    const s = renewedRoot(load<i32>(second), abs(<i32>gradient), share2);
    store<i32>(first, <i32>m);
    store<i32>(second, <i32>s);
    const ratio = floor<f64>((m * 1048576) / (s + <f64>epsilon));
    const step = roundShift(ratio > 16777216 ? 16777216 : ratio < -16777216 ? -16777216 : ratio, ofPace);
    const weight = <f64>load<i32>(w);
    const next = <i32>saturate(weight - roundShift(weight, ofLoss) - step);
    store<i32>(w, next);
    bits |= abs(next);
    w += 4; first += 4; second += 4; g += 4;
  }
  return bits;
}

// Sum of the squares of mantissas of at most `limit`, to `dst` (f64).
export function sumSquares(src: usize, n: i32, shift: i32, limit: i32, dst: usize): void {
  const scale = powerOfTwo(-shift);
  let sum: i64 = 0;
  for (let i = 0; i < n; i++) {
    const m = min<i64>(limit, max<i64>(-limit, <i64>roundShift(<f64>load<i32>(src), scale)));
    sum += m * m;
    src += 4;
  }
  store<f64>(dst, <f64>sum);
}

// x · factor / 2^16, floored.
export function scaleDown(values: usize, n: i32, factor: i32): void {
  for (let i = 0; i < n; i++) {
    store<i32>(values, <i32>((<i64>load<i32>(values) * <i64>factor) >> 16));
    values += 4;
  }
}
