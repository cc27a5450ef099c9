/** Kernels of attention and of tables of rows: products head by head, shares, the way back through the softmax, one exponent for three parts. */
import { PROBABILITY_BITS } from '../../arithmetic/softmax.ts';
import { ROOT_BITS, SHARE_BITS, SHARE_MAX } from '../../reference/attention.ts';
import { INTEGERS } from './integers.ts';
import { measured, structOf } from './measured.ts';
import { SOFTMAX } from './softmax.ts';

/** What a product leaves out, for its terms are zero or its result is: nothing, results right of the diagonal, terms right or left of it. */
export const CAUSAL = { no: 0, results: 1, before: 2, after: 3 } as const;

/** Where an operand or the result of one head lies: of all heads, so many elements a sample, a head, a row and a column or term. */
const operand = (name: string): string[] =>
  ['start', 'sample', 'head', 'row', 'column'].map((field) => `${name}_${field}`);

/**
 * result [rows, columns] = Σ over terms of a · b for every head of every sample. No sum has more than 512 terms, so int32 holds it.
 * With a factor: rescale(sum · factor, 16). Element `i` counts heads, rows and columns; the result may lie elsewhere.
 */
export const HEAD_PRODUCT = measured({
  fields: [
    ...['heads', 'rows', 'columns', 'terms', 'causal', 'factor', 'place_a', 'place_b', 'shift'],
    ...['a', 'b', 'to'].flatMap(operand),
  ],
  reads: { a: 'i32', b: 'i32' },
  body: /* wgsl */ `
    let column = i % p.columns;
    let line = i / p.columns;
    let row = line % p.rows;
    let head = (line / p.rows) % p.heads;
    let one = line / p.rows / p.heads;
    var begin = 0;
    var end = p.terms;
    if (p.causal == ${CAUSAL.results} && column > row) { end = 0; }
    if (p.causal == ${CAUSAL.before}) { end = row + 1; }
    if (p.causal == ${CAUSAL.after}) { begin = row; }
    var from_a = p.a_start + one * p.a_sample + head * p.a_head + row * p.a_row + begin * p.a_column;
    var from_b = p.b_start + one * p.b_sample + head * p.b_head + begin * p.b_row + column * p.b_column;
    for (var t = begin; t < end; t++) {
      value += a[from_a] * b[from_b];
      from_a += p.a_column;
      from_b += p.b_row;
    }
    if (p.factor != 0) { value = wide_rescale(wide_product(value, p.factor), ${ROOT_BITS}); }
    exponent = exponents[p.place_a + sample] + p.shift;
    if (p.place_b >= 0) { exponent += exponents[p.place_b + sample]; }
    let to = p.to_start + one * p.to_sample + head * p.to_head + row * p.to_row + column * p.to_column;
`,
  target: 'to',
});

/** Shares of each row of scores, a workgroup a row: zero beyond its reach. */
export const SHARES = /* wgsl */ `
${INTEGERS}
${structOf('Shares', ['rows', 'length', 'causal', 'place', 'rows_of_sample', 'by_sample', 'factor'])}
@group(0) @binding(0) var<uniform> p: Shares;
@group(0) @binding(1) var<storage, read> scores: array<i32>;
@group(0) @binding(2) var<storage, read> tables: array<u32>;
@group(0) @binding(3) var<storage, read> exponents: array<i32>;
@group(0) @binding(4) var<storage, read_write> out: array<i32>;
var<workgroup> row_largest: atomic<i32>;
var<workgroup> row_sum: atomic<u32>;
${SOFTMAX}
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = i32(id.y * groups.x + id.x);
  if (row >= p.rows) { return; }
  let start = row * p.length;
  let reach = select(p.length, row % p.length + 1, p.causal != 0);
  let exponent = exponents[p.place + p.by_sample * (row / p.rows_of_sample)];
  if (index == 0u) {
    atomicStore(&row_largest, -MAX);
    atomicStore(&row_sum, 0u);
  }
  workgroupBarrier();
  for (var j = i32(index); j < reach; j += 64) { atomicMax(&row_largest, scores[start + j]); }
  workgroupBarrier();
  let largest = atomicLoad(&row_largest);
  for (var j = i32(index); j < reach; j += 64) {
    let e = exp2_negative(octaves(u32(largest - scores[start + j]), exponent, u32(p.factor)));
    out[start + j] = i32(e);
    atomicAdd(&row_sum, e);
  }
  workgroupBarrier();
  let sum = atomicLoad(&row_sum);
  for (var j = i32(index); j < p.length; j += 64) {
    var one = 0;
    if (j < reach) { one = min(${SHARE_MAX}, round_shift(share(u32(out[start + j]), sum), ${PROBABILITY_BITS - SHARE_BITS})); }
    out[start + j] = one;
  }
}
`;

/**
 * Through the softmax, a workgroup a row: roundShift(p · (2^11 · g - Σ p g), 11), taken apart so that int32
 * holds every part.
 */
export const SCORE_GRADIENTS = /* wgsl */ `
${INTEGERS}
${structOf('Scores', ['rows', 'length', 'place', 'exponent_out', 'magnitude'])}
@group(0) @binding(0) var<uniform> p: Scores;
@group(0) @binding(1) var<storage, read> shares: array<i32>;
@group(0) @binding(2) var<storage, read> gradient: array<i32>;
@group(0) @binding(3) var<storage, read_write> exponents: array<i32>;
@group(0) @binding(4) var<storage, read_write> out: array<i32>;
@group(0) @binding(5) var<storage, read_write> magnitudes: array<atomic<u32>>;
var<workgroup> row_mean: atomic<i32>;
var<workgroup> row_magnitude: atomic<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = i32(id.y * groups.x + id.x);
  if (row >= p.rows) { return; }
  let start = row * p.length;
  if (index == 0u) {
    atomicStore(&row_mean, 0);
    atomicStore(&row_magnitude, 0u);
    if (row == 0) { exponents[p.exponent_out] = exponents[p.place] - ${SHARE_BITS}; }
  }
  workgroupBarrier();
  for (var j = i32(index); j < p.length; j += 64) { atomicAdd(&row_mean, shares[start + j] * gradient[start + j]); }
  workgroupBarrier();
  let mean = atomicLoad(&row_mean);
  let high = mean >> ${SHARE_BITS}u;
  let low = mean & ${SHARE_MAX};
  for (var j = i32(index); j < p.length; j += 64) {
    let s = shares[start + j];
    let value = s * (gradient[start + j] - high) + ((${2 ** (SHARE_BITS - 1)} - s * low) >> ${SHARE_BITS}u);
    out[start + j] = value;
    atomicOr(&row_magnitude, u32(abs(value)));
  }
  workgroupBarrier();
  if (index == 0u) { atomicOr(&magnitudes[p.magnitude], atomicLoad(&row_magnitude)); }
}
`;

/** Queries', keys' and values' gradients to mantissas at one exponent, the smallest that fits both kinds. */
export const NARROW_PARTS = /* wgsl */ `
${INTEGERS}
${structOf('Parts', ['size', 'channels', 'bits', 'place_a', 'magnitude_a', 'place_b', 'magnitude_b', 'exponent_out'])}
@group(0) @binding(0) var<uniform> p: Parts;
@group(0) @binding(1) var<storage, read> values: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<i32>;
@group(0) @binding(3) var<storage, read_write> exponents: array<i32>;
@group(0) @binding(4) var<storage, read> magnitudes: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let a = exponents[p.place_a];
  let b = exponents[p.place_b];
  let top = max(
    a + max(0, bit_length(magnitudes[p.magnitude_a]) - p.bits),
    b + max(0, bit_length(magnitudes[p.magnitude_b]) - p.bits),
  );
  let limit = (1 << u32(p.bits)) - 1;
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) {
    let shift = top - select(b, a, i % (3 * p.channels) < 2 * p.channels);
    out[i] = clamp(round_shift(values[i], shift), -limit, limit);
  }
  if (id.x == 0u) { exponents[p.exponent_out] = top; }
}
`;

/** Rows of a table by the input's bytes, four to a word. */
export const EMBED = /* wgsl */ `
${structOf('Embed', ['size', 'width', 'per_sample', 'by_sample', 'place', 'exponent_out'])}
@group(0) @binding(0) var<uniform> p: Embed;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<i32>;
@group(0) @binding(4) var<storage, read_write> exponents: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) {
    let n = i / p.width;
    let token = i32((tokens[n >> 2u] >> u32((n & 3) * 8)) & 255u);
    out[i] = table[token * p.width + i % p.width];
    let sample = p.by_sample * (i / p.per_sample);
    if (i == sample * p.per_sample) { exponents[p.exponent_out + sample] = exponents[p.place]; }
  }
}
`;

/** Each row's gradient is the sum over the places of its token; `out` starts at zero, and int32 holds a million terms. */
export const EMBED_GRADIENT = /* wgsl */ `
${structOf('Embed', ['size', 'width', 'place', 'exponent_out'])}
@group(0) @binding(0) var<uniform> p: Embed;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> gradient: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<atomic<i32>>;
@group(0) @binding(4) var<storage, read_write> exponents: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  if (id.x == 0u) { exponents[p.exponent_out] = exponents[p.place]; }
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) {
    let n = i / p.width;
    let token = i32((tokens[n >> 2u] >> u32((n & 3) * 8)) & 255u);
    atomicAdd(&out[token * p.width + i % p.width], gradient[i]);
  }
}
`;
