/** Softmax cross-entropy of engine/arithmetic/softmax.ts in words: a workgroup a sample. */
import { LN_2_Q16, LOG2_E_Q16 } from '../../arithmetic/tables.ts';
import { INTEGERS } from './integers.ts';

/** Both tables lie in one buffer, the logarithm behind the exponential. */
export const TABLE_LENGTH = 257;

export const LOSS = /* wgsl */ `
${INTEGERS}
const LIMIT: u32 = 2097152u;
struct Loss { classes: i32, exponent: i32, magnitude: i32, unused: i32 }
@group(0) @binding(0) var<uniform> p: Loss;
@group(0) @binding(1) var<storage, read> logits: array<i32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> tables: array<u32>;
@group(0) @binding(4) var<storage, read> exponents: array<i32>;
@group(0) @binding(5) var<storage, read_write> gradient: array<i32>;
@group(0) @binding(6) var<storage, read_write> magnitudes: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read_write> loss: array<atomic<u32>>;
var<workgroup> row_largest: atomic<i32>;
var<workgroup> row_sum: atomic<u32>;
var<workgroup> row_magnitude: atomic<u32>;

// Distance in octaves at 2^-16: gap * log2 e * 2^exponent, limited.
fn octaves(gap: u32, exponent: i32) -> u32 {
  if (gap == 0u) { return 0u; }
  if (exponent >= 5) { return LIMIT; }
  var product = multiply_wide(gap, ${LOG2_E_Q16}u);
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

// log2(sum / 2^20) at 2^-16, 2^20 <= sum < 2^31.
fn log2_of(sum: u32) -> u32 {
  let whole = u32(bit_length(sum) - 1);
  let fraction = (sum - (1u << whole)) >> (whole - 16u);
  return (whole - 20u) * 65536u + between(${TABLE_LENGTH}u, fraction);
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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let start = i32(id.x) * p.classes;
  let exponent = exponents[p.exponent];
  if (index == 0u) {
    atomicStore(&row_largest, -MAX);
    atomicStore(&row_sum, 0u);
    atomicStore(&row_magnitude, 0u);
  }
  workgroupBarrier();
  for (var j = i32(index); j < p.classes; j += 64) { atomicMax(&row_largest, logits[start + j]); }
  workgroupBarrier();
  let largest = atomicLoad(&row_largest);
  for (var j = i32(index); j < p.classes; j += 64) {
    let e = exp2_negative(octaves(u32(largest - logits[start + j]), exponent));
    gradient[start + j] = i32(e);
    atomicAdd(&row_sum, e);
  }
  workgroupBarrier();
  let sum = atomicLoad(&row_sum);
  let label = labels[id.x];
  for (var j = i32(index); j < p.classes; j += 64) {
    var g = share(u32(gradient[start + j]), sum);
    if (j == label) {
      g -= 1048576;
      let distance = octaves(u32(largest - logits[start + j]), exponent);
      let nats = shift_right_wide(multiply_wide(distance + log2_of(sum), ${LN_2_Q16}u), 16u);
      atomicAdd(&loss[0], nats.x);
    }
    gradient[start + j] = g;
    atomicOr(&row_magnitude, u32(abs(g)));
  }
  workgroupBarrier();
  if (index == 0u) { atomicOr(&magnitudes[p.magnitude], atomicLoad(&row_magnitude)); }
}
`;
