/** Losses and the gradients of logits: softmax cross-entropy, a workgroup a row, and mean squared error, an invocation a sample. */
import { SQUARED_GRADIENT_BITS } from '../../arithmetic/squared.ts';
import { LN_2_Q16, LOG2_E_Q16 } from '../../arithmetic/tables.ts';
import { INTEGERS } from './integers.ts';
import { SOFTMAX, TABLE_LENGTH } from './softmax.ts';
import { WIDES } from './wide.ts';

/** The sum of losses in two words: a batch has up to a million rows. */
const ADD_LOSS = /* wgsl */ `
fn add_loss(x: u32) {
  let before = atomicAdd(&loss[0], x);
  if (before + x < before) { atomicAdd(&loss[1], 1u); }
}
`;

export const LOSS = /* wgsl */ `
${INTEGERS}
struct Loss { rows: i32, classes: i32, exponent: i32, magnitude: i32 }
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
${SOFTMAX}
${ADD_LOSS}
// log2(sum / 2^20) at 2^-16, 2^20 <= sum < 2^31.
fn log2_of(sum: u32) -> u32 {
  let whole = u32(bit_length(sum) - 1);
  let fraction = (sum - (1u << whole)) >> (whole - 16u);
  return (whole - 20u) * 65536u + between(${TABLE_LENGTH}u, fraction);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = id.y * groups.x + id.x;
  if (row >= u32(p.rows)) { return; }
  let start = i32(row) * p.classes;
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
    let e = exp2_negative(octaves(u32(largest - logits[start + j]), exponent, ${LOG2_E_Q16}u));
    gradient[start + j] = i32(e);
    atomicAdd(&row_sum, e);
  }
  workgroupBarrier();
  let sum = atomicLoad(&row_sum);
  let label = labels[row];
  for (var j = i32(index); j < p.classes; j += 64) {
    var g = share(u32(gradient[start + j]), sum);
    if (j == label) {
      g -= 1048576;
      let distance = octaves(u32(largest - logits[start + j]), exponent, ${LOG2_E_Q16}u);
      let nats = shift_right_wide(multiply_wide(distance + log2_of(sum), ${LN_2_Q16}u), 16u);
      add_loss(nats.x);
    }
    gradient[start + j] = g;
    atomicOr(&row_magnitude, u32(abs(g)));
  }
  workgroupBarrier();
  if (index == 0u) { atomicOr(&magnitudes[p.magnitude], atomicLoad(&row_magnitude)); }
}
`;

/** Errors are limited to ±64, so that their squares stay exact. `targets` are at 2^-16. */
export const SQUARED = /* wgsl */ `
${INTEGERS}
${WIDES}
struct Squared { rows: i32, units: i32, exponent: i32, magnitude: i32 }
@group(0) @binding(0) var<uniform> p: Squared;
@group(0) @binding(1) var<storage, read> outputs: array<i32>;
@group(0) @binding(2) var<storage, read> targets: array<i32>;
@group(0) @binding(3) var<storage, read> exponents: array<i32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<i32>;
@group(0) @binding(5) var<storage, read_write> magnitudes: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read_write> loss: array<atomic<u32>>;
${ADD_LOSS}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let exponent = exponents[p.exponent];
  for (var row = i32(id.x); row < p.rows; row += i32(groups.x * 64u)) {
    var squares = wide(0);
    var bits = 0u;
    for (var i = row * p.units; i < (row + 1) * p.units; i++) {
      let error = subtract_saturated(rescale(outputs[i], -16 - exponent), targets[i]);
      let limited = clamp(error, -4194304, 4194304);
      squares = wide_sum(squares, wide_right(wide_product(limited, limited), 16u));
      let doubled = wide_add(wide_left(wide(limited), ${SQUARED_GRADIENT_BITS - 16 + 1}u), p.units / 2);
      let g = wide_saturated(wide_floor_divide(doubled, u32(p.units)));
      gradient[i] = g;
      bits |= u32(abs(g));
    }
    atomicOr(&magnitudes[p.magnitude], bits);
    add_loss(wide_floor_divide(squares, u32(p.units)).lo);
  }
}
`;
