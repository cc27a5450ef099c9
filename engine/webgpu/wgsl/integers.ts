/** Integer primitives of engine/arithmetic/integers.ts in WGSL, and what stands in for its missing 64-bit integers: pairs of 32-bit words. */

/** Invocations of every workgroup but the products'. */
export const GROUP = 64;

export const INTEGERS = /* wgsl */ `
const MAX: i32 = 2147483647;

fn bit_length(x: u32) -> i32 { return 32 - i32(countLeadingZeros(x)); }

// floor((x + 2^(s-1)) / 2^s) without overflow; 0 from 32 on.
fn round_shift(x: i32, s: i32) -> i32 {
  if (s <= 0) { return x; }
  if (s > 31) { return 0; }
  return (x >> u32(s)) + ((x >> u32(s - 1)) & 1);
}

fn saturated(negative: bool) -> i32 { return select(MAX, -MAX, negative); }

fn add_saturated(a: i32, b: i32) -> i32 {
  let r = a + b;
  return max(-MAX, select(r, saturated(a < 0), ((a ^ r) & (b ^ r)) < 0));
}

fn subtract_saturated(a: i32, b: i32) -> i32 {
  let r = a - b;
  return max(-MAX, select(r, saturated(a < 0), ((a ^ b) & (a ^ r)) < 0));
}

// x * 2^-shift: rounding to the right, saturating to the left. x is never -2^31.
fn rescale(x: i32, shift: i32) -> i32 {
  if (shift >= 0) { return round_shift(x, shift); }
  let left = u32(min(31, -shift));
  if (abs(x) > (MAX >> left)) { return saturated(x < 0); }
  return x << left;
}

// A 64-bit integer in two's complement.
struct Wide { lo: u32, hi: i32 }

fn wide_add(a: Wide, b: i32) -> Wide {
  let lo = a.lo + u32(b);
  return Wide(lo, a.hi + (b >> 31u) + select(0, 1, lo < a.lo));
}

// rounding shift by 0 <= s <= 31, saturated to int32.
fn wide_fold(x: Wide, s: i32) -> i32 {
  var y = x;
  if (s > 0) {
    let shifted = Wide((x.lo >> u32(s)) | (u32(x.hi) << u32(32 - s)), x.hi >> u32(s));
    y = wide_add(shifted, i32((x.lo >> u32(s - 1)) & 1u));
  }
  if (y.hi == 0 && y.lo <= u32(MAX)) { return i32(y.lo); }
  if (y.hi == -1 && y.lo > 0x80000000u) { return i32(y.lo); }
  return saturated(y.hi < 0);
}

// The product of two words, by 16-bit halves: low word, high word.
fn multiply_wide(a: u32, b: u32) -> vec2<u32> {
  let al = a & 0xffffu; let ah = a >> 16u;
  let bl = b & 0xffffu; let bh = b >> 16u;
  let low = al * bl;
  let middle = ah * bl + (low >> 16u);
  let other = al * bh + (middle & 0xffffu);
  return vec2<u32>((other << 16u) | (low & 0xffffu), ah * bh + (middle >> 16u) + (other >> 16u));
}

// Logical shift to the right of a pair of words, 0 <= s <= 63.
fn shift_right_wide(x: vec2<u32>, s: u32) -> vec2<u32> {
  if (s == 0u) { return x; }
  if (s > 31u) { return vec2<u32>(x.y >> (s - 32u), 0u); }
  return vec2<u32>((x.x >> s) | (x.y << (32u - s)), x.y >> s);
}
`;
