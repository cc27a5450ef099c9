/** Functions of the integer softmax, engine/arithmetic/softmax.ts in words. A kernel that uses them reads `tables`. */

/** Both tables lie in one buffer, the logarithm behind the exponential. */
export const TABLE_LENGTH = 257;

/** Needs INTEGERS before it, and a buffer `tables` of u32. */
export const SOFTMAX = /* wgsl */ `
const LIMIT: u32 = 2097152u;

// Distance in octaves at 2^-16: gap * factor * 2^exponent, the factor at 2^-16, limited.
fn octaves(gap: u32, exponent: i32, factor: u32) -> u32 {
  if (gap == 0u) { return 0u; }
  if (exponent >= 5) { return LIMIT; }
  var product = multiply_wide(gap, factor);
  if (exponent < 0) {
    if (exponent <= -52) { return 0u; }
    product = shift_right_wide(product, u32(-exponent));
  }
  if (product.y != 0u || product.x >= LIMIT) { return LIMIT; }
  return min(LIMIT, product.x << u32(max(0, exponent)));
}

fn between(table: u32, fraction: u32) -> u32 {
  let k = table + (fraction >> 8u);
  let rest = fraction & 255u;
  return (tables[k] * (256u - rest) + tables[k + 1u] * rest) >> 8u;
}

fn exp2_negative(u: u32) -> u32 {
  let whole = u >> 16u;
  return select(between(0u, u & 65535u) >> min(31u, whole), 0u, whole > 20u);
}

// floor((e * 2^20 + floor(sum / 2)) / sum) for e <= sum < 2^31: twenty digits, then rounding.
fn share(e: u32, sum: u32) -> i32 {
  var quotient = e / sum;
  var rest = e % sum;
  for (var i = 0; i < 20; i++) {
    rest = rest << 1u;
    quotient = quotient << 1u;
    if (rest >= sum) { rest -= sum; quotient++; }
  }
  return i32(quotient + select(0u, 1u, rest + sum / 2u >= sum));
}
`;
