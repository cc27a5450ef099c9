/** Optimisers and clipping: engine/reference/optimiser.ts and clip.ts in words. */
import { MEASURE_BITS } from '../../reference/clip.ts';
import { MOMENT_EXTRA_BITS } from '../../reference/optimiser.ts';
import { INTEGERS } from './integers.ts';
import { structOf } from './measured.ts';
import { WIDES } from './wide.ts';

/** Words that a step is given: see engine/webgpu/step.ts. */
export const STEP_WORDS = { rate: 0, decay: 1, epsilon: 2, first: 3 } as const;

/** A factor that changes nothing: value · 2^16 / 2^16. */
export const NO_CLIP = 65_536;

interface Optimiser {
  readonly fields: readonly string[];
  readonly buffers: readonly string[];
  readonly declarations?: string;
  /** Sets `next`, the new master of element `i`, from `w` and the clipped gradient `g`. */
  readonly body: string;
}

/** `factor` has one word. Writes the magnitude of the new masters too. */
const optimiser = ({ fields, buffers, declarations = '', body }: Optimiser): string => /* wgsl */ `
${INTEGERS}
${WIDES}
${structOf('Update', ['size', 'exponent', 'batch_log', 'magnitude', ...fields])}
@group(0) @binding(0) var<uniform> p: Update;
@group(0) @binding(1) var<storage, read_write> weights: array<i32>;
@group(0) @binding(2) var<storage, read> gradient: array<i32>;
@group(0) @binding(3) var<storage, read> exponents: array<i32>;
@group(0) @binding(4) var<storage, read_write> magnitudes: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read> words: array<i32>;
@group(0) @binding(6) var<storage, read> factor: array<i32>;
${buffers.map((name, i) => `@group(0) @binding(${7 + i}) var<storage, read_write> ${name}: array<i32>;`).join('\n')}
var<workgroup> group_magnitude: atomic<u32>;
${declarations}
// w less its decay of w · loss / 2^32, and less the step; saturated once.
fn next_weight(w: i32, loss: i32, way: Wide) -> i32 {
  let kept = wide_difference(wide(w), wide_round(wide_product(w, loss), 32));
  return wide_saturated(wide_difference(kept, way));
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  if (index == 0u) { atomicStore(&group_magnitude, 0u); }
  workgroupBarrier();
  let shift = p.batch_log - 24 - exponents[p.exponent];
  var bits = 0u;
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) {
    let w = weights[i];
    let g = i32(wide_right(wide_product(gradient[i], factor[0]), 16u).lo);
    var next = 0;
    ${body}
    weights[i] = next;
    bits |= u32(abs(next));
  }
  atomicOr(&group_magnitude, bits);
  workgroupBarrier();
  if (index == 0u) { atomicOr(&magnitudes[p.magnitude], atomicLoad(&group_magnitude)); }
}
`;

/** The rate is a shift. */
export const SGD = optimiser({
  fields: ['momentum'],
  buffers: ['velocity'],
  body: /* wgsl */ `
    let v = add_saturated(velocity[i] - round_shift(velocity[i], p.momentum), rescale(g, shift));
    velocity[i] = v;
    next = next_weight(w, 0, wide(round_shift(v, words[${STEP_WORDS.rate}])));
`,
});

/** The rate is at 2^-24. `decays`: 1 where the tensor's masters decay. */
export const SGDW = optimiser({
  fields: ['momentum', 'decays'],
  buffers: ['velocity'],
  body: /* wgsl */ `
    let v = add_saturated(velocity[i] - round_shift(velocity[i], p.momentum), rescale(g, shift));
    velocity[i] = v;
    let way = wide_round(wide_product(v, words[${STEP_WORDS.rate}]), 24);
    next = next_weight(w, p.decays * words[${STEP_WORDS.decay}], way);
`,
});

export const ADAMW = optimiser({
  fields: ['beta1', 'beta2', 'decays'],
  buffers: ['first', 'second'],
  declarations: /* wgsl */ `
fn square_of(x: i32, digits: i32) -> Wide {
  let scaled = select(x >> u32(max(0, -digits)), x << u32(max(0, digits)), digits >= 0);
  return wide_product(scaled, scaled);
}

// Root of s² + (g² - s²) · 2^-share, on 25 binary digits of the larger; neither is negative.
fn renewed_root(s: i32, g: i32, share: i32) -> i32 {
  let most = max(s, g);
  if (most == 0) { return 0; }
  let digits = 25 - bit_length(u32(most));
  let kept = square_of(s, digits);
  let added = wide_round(square_of(g, digits), share);
  let square = wide_sum(wide_difference(kept, wide_round(kept, share)), added);
  return rescale(i32(root_of(vec2<u32>(square.lo, u32(square.hi)))), digits);
}

// floor(m · 2^20 / d), limited to 2^24 in magnitude; 0 < d < 2^32.
fn ratio_of(m: i32, d: u32) -> i32 {
  let size = u32(abs(m));
  var quotient = size / d;
  if (quotient >= 16u) { return select(16777216, -16777216, m < 0); }
  var rest = size % d;
  for (var i = 0; i < 20; i++) {
    let carried = rest >> 31u;
    rest = rest << 1u;
    quotient = quotient << 1u;
    if (carried == 1u || rest >= d) { rest -= d; quotient++; }
  }
  if (m >= 0) { return i32(quotient); }
  return max(-16777216, -i32(quotient) - select(0, 1, rest != 0u));
}
`,
  body: /* wgsl */ `
    let moved = rescale(g, shift - ${MOMENT_EXTRA_BITS});
    let way = wide_round(wide_difference(wide(moved), wide(first[i])), p.beta1);
    let m = wide_saturated(wide_sum(wide(first[i]), way));
    let s = renewed_root(second[i], abs(moved), p.beta2);
    first[i] = m;
    second[i] = s;
    let ratio = ratio_of(m, u32(s) + u32(words[${STEP_WORDS.epsilon}]));
    let pace = wide_round(wide_product(ratio, words[${STEP_WORDS.rate}]), 28);
    next = next_weight(w, p.decays * words[${STEP_WORDS.decay}], pace);
`,
});

/** OR of the magnitudes of a gradient. */
export const MAGNITUDE = /* wgsl */ `
struct Measure { size: i32, magnitude: i32, unused_a: i32, unused_b: i32 }
@group(0) @binding(0) var<uniform> p: Measure;
@group(0) @binding(1) var<storage, read> values: array<i32>;
@group(0) @binding(2) var<storage, read_write> magnitudes: array<atomic<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var bits = 0u;
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) { bits |= u32(abs(values[i])); }
  if (bits != 0u) { atomicOr(&magnitudes[p.magnitude], bits); }
}
`;

/** Words of a tensor's measure: the sum of its squares in two, and its exponent. */
export const MEASURE_WORDS = 3;

/** Sum of the squares of a gradient narrowed to 11 bits. */
export const SQUARES = /* wgsl */ `
${INTEGERS}
${WIDES}
${structOf('Squares', ['size', 'exponent', 'magnitude', 'tensor', 'batch_log'])}
@group(0) @binding(0) var<uniform> p: Squares;
@group(0) @binding(1) var<storage, read> values: array<i32>;
@group(0) @binding(2) var<storage, read> magnitudes: array<u32>;
@group(0) @binding(3) var<storage, read> exponents: array<i32>;
@group(0) @binding(4) var<storage, read_write> measures: array<atomic<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let shift = max(0, bit_length(magnitudes[p.magnitude]) - ${MEASURE_BITS});
  let limit = ${2 ** MEASURE_BITS - 1};
  let to = p.tensor * ${MEASURE_WORDS};
  var sum = wide(0);
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) {
    let m = clamp(round_shift(values[i], shift), -limit, limit);
    sum = wide_add(sum, m * m);
  }
  let before = atomicAdd(&measures[to], sum.lo);
  atomicAdd(&measures[to + 1], u32(sum.hi) + select(0u, 1u, before + sum.lo < before));
  if (id.x == 0u) { atomicStore(&measures[to + 2], u32(exponents[p.exponent] + shift - p.batch_log)); }
}
`;
