/** The factor of clipping, by one invocation in integers of 192 bits: once a step, where asking the processor would cost a round trip. */
import { MEASURE_WORDS, NO_CLIP } from './optimise.ts';

/** Words of the integers: a sum of squares is below 2^126, its root's square below 2^156. */
const WORDS = 6;

/** floor(2^16 · limit / norm) where the norm is above the limit, else what changes nothing. */
export const CLIP = /* wgsl */ `
struct Clip { tensors: i32, limit: i32, unused_a: i32, unused_b: i32 }
@group(0) @binding(0) var<uniform> p: Clip;
@group(0) @binding(1) var<storage, read> measures: array<u32>;
@group(0) @binding(2) var<storage, read_write> factor: array<i32>;

alias Long = array<u32, ${WORDS}>;

fn long_right(x: Long, s: u32) -> Long {
  var a = x;
  var out = Long();
  let words = s / 32u;
  let bits = s % 32u;
  for (var i = 0u; i + words < ${WORDS}u; i++) {
    out[i] = a[i + words] >> bits;
    if (bits != 0u && i + words + 1u < ${WORDS}u) { out[i] |= a[i + words + 1u] << (32u - bits); }
  }
  return out;
}

fn long_left(x: Long, s: u32) -> Long {
  var a = x;
  var out = Long();
  let words = s / 32u;
  let bits = s % 32u;
  for (var i = words; i < ${WORDS}u; i++) {
    out[i] = a[i - words] << bits;
    if (bits != 0u && i > words) { out[i] |= a[i - words - 1u] >> (32u - bits); }
  }
  return out;
}

fn long_add(x: Long, y: Long) -> Long {
  var out = x;
  var other = y;
  var carry = 0u;
  for (var i = 0u; i < ${WORDS}u; i++) {
    let sum = out[i] + other[i];
    let next = sum + carry;
    carry = select(0u, 1u, sum < out[i]) + select(0u, 1u, next < sum);
    out[i] = next;
  }
  return out;
}

fn long_subtract(x: Long, y: Long) -> Long {
  var out = x;
  var other = y;
  var borrow = 0u;
  for (var i = 0u; i < ${WORDS}u; i++) {
    let first = out[i] - other[i];
    let next = first - borrow;
    borrow = select(0u, 1u, out[i] < other[i]) + select(0u, 1u, first < borrow);
    out[i] = next;
  }
  return out;
}

fn long_reaches(x: Long, y: Long) -> bool {
  var a = x;
  var b = y;
  for (var i = ${WORDS - 1}; i >= 0; i--) { if (a[i] != b[i]) { return a[i] > b[i]; } }
  return true;
}

fn long_length(x: Long) -> i32 {
  var a = x;
  for (var i = ${WORDS - 1}; i >= 0; i--) { if (a[i] != 0u) { return 32 * i + 32 - i32(countLeadingZeros(a[i])); } }
  return 0;
}

fn bit(n: i32) -> Long {
  var one = Long();
  one[0] = 1u;
  return long_left(one, u32(n));
}

// floor(sqrt(x)) for x < 2^156, digit by digit from the top.
fn long_root(x: Long) -> Long {
  var rest = x;
  var root = Long();
  for (var n = 77; n >= 0; n--) {
    let trial = long_add(root, bit(2 * n));
    root = long_right(root, 1u);
    if (long_reaches(rest, trial)) {
      rest = long_subtract(rest, trial);
      root = long_add(root, bit(2 * n));
    }
  }
  return root;
}

@compute @workgroup_size(1)
fn main() {
  var top = -2147483647;
  for (var t = 0; t < p.tensors; t++) { top = max(top, i32(measures[t * ${MEASURE_WORDS} + 2])); }
  var sum = Long();
  for (var t = 0; t < p.tensors; t++) {
    let away = 2 * (top - i32(measures[t * ${MEASURE_WORDS} + 2]));
    var squares = Long();
    squares[2] = measures[t * ${MEASURE_WORDS}];
    squares[3] = measures[t * ${MEASURE_WORDS} + 1];
    if (away < ${32 * WORDS}) { sum = long_add(sum, long_right(squares, u32(away))); }
  }
  // sum · 2^(2 top - 64) is the norm's square; its root is wanted at 2^-16.
  let shift = 2 * top - 32;
  factor[0] = ${NO_CLIP};
  if (long_length(sum) == 0) { return; }
  if (shift >= 0) {
    // A norm of more than 64 digits leaves nothing of the limit's 47.
    if (long_length(sum) + shift > 128) { factor[0] = 0; return; }
    sum = long_left(sum, u32(shift));
  } else if (shift > -${32 * WORDS}) {
    sum = long_right(sum, u32(-shift));
  } else {
    return;
  }
  let norm = long_root(sum);
  var limit = Long();
  limit[0] = u32(p.limit);
  if (long_reaches(limit, norm)) { return; }
  var rest = long_left(limit, 16u);
  var quotient = 0;
  for (var n = 16; n >= 0; n--) {
    let part = long_left(norm, u32(n));
    if (long_reaches(rest, part)) { rest = long_subtract(rest, part); quotient |= 1 << u32(n); }
  }
  factor[0] = quotient;
}
`;
