/** Elementwise kernels: raw inputs to mantissas, narrowing, ReLU, max pooling, sums of gradients by column. */
import { INTEGERS } from './integers.ts';

/** Every element is some invocation's; there may be more elements than invocations. */
const each = (body: string): string => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) {
    ${body}
  }
}
`;

/** u8 inputs, four to a word. */
export const WIDEN = /* wgsl */ `
${INTEGERS}
struct Widen { size: i32, shift: i32, limit: i32, unused: i32 }
@group(0) @binding(0) var<uniform> p: Widen;
@group(0) @binding(1) var<storage, read> inputs: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<i32>;
${each(`
  let n = i32((inputs[i >> 2u] >> u32((i & 3) * 8)) & 255u);
  out[i] = min(p.limit, round_shift(n, p.shift));
`)}`;

/** int32 values to mantissas of so many bits, by the largest magnitude of the tensor or of each sample. */
export const NARROW = /* wgsl */ `
${INTEGERS}
struct Narrow {
  size: i32, per_sample: i32, by_sample: i32, bits: i32,
  exponent: i32, exponent_out: i32, magnitude: i32, unused: i32,
}
@group(0) @binding(0) var<uniform> p: Narrow;
@group(0) @binding(1) var<storage, read> values: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<i32>;
@group(0) @binding(3) var<storage, read_write> exponents: array<i32>;
@group(0) @binding(4) var<storage, read> magnitudes: array<u32>;
${each(`
  let sample = p.by_sample * (i / p.per_sample);
  let shift = max(0, bit_length(magnitudes[p.magnitude + sample]) - p.bits);
  let limit = (1 << u32(p.bits)) - 1;
  out[i] = clamp(round_shift(values[i], shift), -limit, limit);
  if (i == sample * p.per_sample) { exponents[p.exponent_out + sample] = exponents[p.exponent + sample] + shift; }
`)}`;

export const RELU = /* wgsl */ `
struct Relu { size: i32, unused: i32 }
@group(0) @binding(0) var<uniform> p: Relu;
@group(0) @binding(1) var<storage, read> values: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<i32>;
${each('out[i] = max(0, values[i]);')}`;

/** Passes gradients where the output is positive. */
export const MASK = /* wgsl */ `
struct Mask { size: i32, unused: i32 }
@group(0) @binding(0) var<uniform> p: Mask;
@group(0) @binding(1) var<storage, read> gradient: array<i32>;
@group(0) @binding(2) var<storage, read> output: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<i32>;
${each('out[i] = select(0, gradient[i], output[i] > 0);')}`;

const POOL = /* wgsl */ `
struct Pool {
  size: i32, height: i32, width: i32, channels: i32,
  rows: i32, columns: i32, window_y: i32, window_x: i32,
}
@group(0) @binding(0) var<uniform> p: Pool;
`;

/** The first largest of a window wins; its place is kept for the way back. */
export const POOL_FORWARD = /* wgsl */ `
${POOL}
@group(0) @binding(1) var<storage, read> values: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<i32>;
@group(0) @binding(3) var<storage, read_write> winners: array<i32>;
${each(`
  let channel = i % p.channels;
  let pixel = i / p.channels;
  let column = pixel % p.columns;
  let line = pixel / p.columns;
  let row = line % p.rows;
  let sample = line / p.rows;
  var best = ((sample * p.height + row * p.window_y) * p.width + column * p.window_x) * p.channels + channel;
  let first = best;
  for (var y = 0; y < p.window_y; y++) {
    for (var x = 0; x < p.window_x; x++) {
      let at = first + (y * p.width + x) * p.channels;
      if (values[at] > values[best]) { best = at; }
    }
  }
  out[i] = values[best];
  winners[i] = best;
`)}`;

/** Each input element asks its window whether it won. */
export const POOL_BACKWARD = /* wgsl */ `
${POOL}
@group(0) @binding(1) var<storage, read> gradient: array<i32>;
@group(0) @binding(2) var<storage, read> winners: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<i32>;
${each(`
  let channel = i % p.channels;
  let pixel = i / p.channels;
  let column = (pixel % p.width) / p.window_x;
  let line = pixel / p.width;
  let row = (line % p.height) / p.window_y;
  let sample = line / p.height;
  var value = 0;
  if (row < p.rows && column < p.columns) {
    let window = ((sample * p.rows + row) * p.columns + column) * p.channels + channel;
    if (winners[window] == i) { value = gradient[window]; }
  }
  out[i] = value;
`)}`;

/** Gradient of a bias; `out` starts at zero, and int32 holds the sum of any batch. */
export const COLUMN_SUMS = /* wgsl */ `
struct Sums { rows: i32, columns: i32, slice: i32, exponent: i32, exponent_out: i32, unused: i32 }
@group(0) @binding(0) var<uniform> p: Sums;
@group(0) @binding(1) var<storage, read> values: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<atomic<i32>>;
@group(0) @binding(3) var<storage, read_write> exponents: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x == 0u && id.y == 0u) { exponents[p.exponent_out] = exponents[p.exponent]; }
  let column = i32(id.x);
  if (column >= p.columns) { return; }
  let begin = i32(id.y) * p.slice;
  var sum = 0;
  for (var row = begin; row < min(p.rows, begin + p.slice); row++) { sum += values[row * p.columns + column]; }
  atomicAdd(&out[column], sum);
}
`;
