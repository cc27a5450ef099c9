/** 64-bit arithmetic in pairs of words beyond sums: products, shifts, division and roots, each as engine/arithmetic has it on doubles. */

/** Needs INTEGERS before it. */
export const WIDES = /* wgsl */ `
fn wide(x: i32) -> Wide { return Wide(u32(x), x >> 31u); }

fn wide_of(x: vec2<u32>) -> Wide { return Wide(x.x, i32(x.y)); }

fn wide_sum(a: Wide, b: Wide) -> Wide {
  let lo = a.lo + b.lo;
  return Wide(lo, a.hi + b.hi + select(0, 1, lo < a.lo));
}

fn wide_negated(x: Wide) -> Wide { return wide_add(Wide(~x.lo, ~x.hi), 1); }

fn wide_difference(a: Wide, b: Wide) -> Wide { return wide_sum(a, wide_negated(b)); }

fn wide_product(a: i32, b: i32) -> Wide {
  let size = wide_of(multiply_wide(u32(abs(a)), u32(abs(b))));
  if ((a ^ b) < 0) { return wide_negated(size); }
  return size;
}

fn wide_left(x: Wide, s: u32) -> Wide {
  if (s == 0u) { return x; }
  if (s > 31u) { return Wide(0u, i32(x.lo << (s - 32u))); }
  return Wide(x.lo << s, i32((u32(x.hi) << s) | (x.lo >> (32u - s))));
}

// Arithmetic shift to the right, 0 <= s <= 63.
fn wide_right(x: Wide, s: u32) -> Wide {
  if (s == 0u) { return x; }
  if (s > 31u) { return Wide(u32(x.hi >> (s - 32u)), x.hi >> 31u); }
  return Wide((x.lo >> s) | (u32(x.hi) << (32u - s)), x.hi >> s);
}

// floor((x + 2^(s-1)) / 2^s); |x| < 2^52, so that 63 stands for every larger s.
fn wide_round(x: Wide, s: i32) -> Wide {
  if (s <= 0) { return x; }
  let shift = u32(min(s, 63));
  return wide_add(wide_right(x, shift), i32(wide_right(x, shift - 1u).lo & 1u));
}

fn wide_saturated(x: Wide) -> i32 { return wide_fold(x, 0); }

// rescale of an integer of up to 52 bits.
fn wide_rescale(x: Wide, shift: i32) -> i32 {
  if (shift >= 0) { return wide_saturated(wide_round(x, shift)); }
  return rescale(wide_saturated(x), shift);
}

// floor(x / n), 0 < n < 2^31.
fn divide_wide(x: vec2<u32>, n: u32) -> vec2<u32> {
  let high = x.y / n;
  var rest = x.y % n;
  var low = 0u;
  for (var bit = 31; bit >= 0; bit--) {
    rest = (rest << 1u) | ((x.x >> u32(bit)) & 1u);
    low = low << 1u;
    if (rest >= n) { rest -= n; low |= 1u; }
  }
  return vec2<u32>(low, high);
}

fn wide_floor_divide(x: Wide, n: u32) -> Wide {
  if (x.hi >= 0) { return wide_of(divide_wide(vec2<u32>(x.lo, u32(x.hi)), n)); }
  // floor(-y / n) = -floor((y + n - 1) / n)
  let y = wide_add(wide_negated(x), i32(n - 1u));
  return wide_negated(wide_of(divide_wide(vec2<u32>(y.lo, u32(y.hi)), n)));
}

// floor((2 sum + n) / 2n): to nearest, halves upward; n <= 2^20.
fn mean_of(sum: Wide, n: i32) -> i32 {
  return wide_saturated(wide_floor_divide(wide_add(wide_left(sum, 1u), n), u32(2 * n)));
}

// floor(sqrt(x)) for x < 2^54, digit by digit.
fn root_of(x: vec2<u32>) -> u32 {
  var root = 0u;
  for (var bit = 1u << 26u; bit != 0u; bit = bit >> 1u) {
    let trial = root | bit;
    let square = multiply_wide(trial, trial);
    if (square.y < x.y || (square.y == x.y && square.x <= x.x)) { root = trial; }
  }
  return root;
}

// scale and shift of 1 / sqrt(w), 1 <= w < 2^51: see engine/arithmetic/roots.ts.
fn reciprocal_root(w: vec2<u32>) -> vec2<i32> {
  let length = select(bit_length(w.x), 32 + bit_length(w.y), w.y != 0u);
  let half = (52 - length) / 2;
  let scaled = wide_left(wide_of(w), u32(2 * half));
  let root = root_of(vec2<u32>(scaled.lo, u32(scaled.hi)));
  // floor(2^46 / root), root < 2^26: the digits below 2^31 one by one.
  var quotient = 2147483648u / root;
  var rest = 2147483648u % root;
  for (var i = 0; i < 15; i++) {
    rest = rest << 1u;
    quotient = quotient << 1u;
    if (rest >= root) { rest -= root; quotient++; }
  }
  return vec2<i32>(i32(quotient), 46 - half);
}
`;
