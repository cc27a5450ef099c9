/** Kernels of layer and batch normalisation: engine/reference/norm.ts in words. A group is a position's channels, or a channel's positions. */
import { EPSILON_LIMIT, GRADIENT_MEAN_BITS, MEAN_BITS, UNIT_BITS } from '../../reference/norm.ts';
import { INTEGERS } from './integers.ts';
import { measured, structOf } from './measured.ts';
import { WIDES } from './wide.ts';

/** Terms of one slice: their products fit int32. */
export const GROUP_SLICE = 256;
/** Words of a group: sum and 64-bit sum of products; mean, variance, scale and shift of its root; means of h and of h · units. */
export const SUM_WORDS = 3;
export const STATISTIC_WORDS = 4;
export const SLOPE_WORDS = 2;

/** Adds sums of a and of a · b to those of each group; an invocation takes a slice of one. */
export const GROUP_SUMS = /* wgsl */ `
${structOf('Groups', ['groups', 'terms', 'group_step', 'term_step', 'slice'])}
@group(0) @binding(0) var<uniform> p: Groups;
@group(0) @binding(1) var<storage, read> a: array<i32>;
@group(0) @binding(2) var<storage, read> b: array<i32>;
@group(0) @binding(3) var<storage, read_write> sums: array<atomic<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var g = i32(id.x); g < p.groups; g += i32(groups.x * 64u)) {
    let begin = i32(id.y) * p.slice;
    var sum = 0;
    var dot = 0;
    for (var t = begin; t < min(p.terms, begin + p.slice); t++) {
      let i = g * p.group_step + t * p.term_step;
      sum += a[i];
      dot += a[i] * b[i];
    }
    let to = g * ${SUM_WORDS};
    atomicAdd(&sums[to], u32(sum));
    let before = atomicAdd(&sums[to + 1], u32(dot));
    let carry = select(0u, 1u, before + u32(dot) < before);
    atomicAdd(&sums[to + 2], u32(dot >> 31u) + carry);
  }
}
`;

/** A kernel with one invocation for each group. */
const eachGroup = (
  fields: readonly string[],
  bindings: string,
  body: string,
  more = '',
): string => /* wgsl */ `
${INTEGERS}
${WIDES}
${structOf('Parameters', ['groups', ...fields])}
@group(0) @binding(0) var<uniform> p: Parameters;
${bindings}
${more}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var g = i32(id.x); g < p.groups; g += i32(groups.x * 64u)) {
    ${body}
  }
}
`;

const SUMS = /* wgsl */ `
@group(0) @binding(1) var<storage, read> sums: array<i32>;
fn dot_of(g: i32) -> Wide { return Wide(u32(sums[g * ${SUM_WORDS} + 1]), sums[g * ${SUM_WORDS} + 2]); }
`;

/** w = max(1, variance + 2^epsilon), none where that is below one; and its root. */
const ROOT = /* wgsl */ `
fn root_with(variance: Wide, epsilon: i32) -> vec2<i32> {
  var w = variance;
  if (epsilon >= 0) { w = wide_sum(w, wide_left(wide(1), u32(min(${EPSILON_LIMIT}, epsilon)))); }
  if (w.hi < 0 || (w.hi == 0 && w.lo == 0u)) { w = wide(1); }
  return reciprocal_root(vec2<u32>(w.lo, u32(w.hi)));
}
`;

/** From sums of m and of m · m. The sum of squared deviations is 256 Σ m² - 32 μ Σ m + n μ², each below 2^53. */
export const STATISTICS = eachGroup(
  ['terms', 'epsilon_shift', 'place', 'per_sample'],
  /* wgsl */ `
${SUMS}
@group(0) @binding(2) var<storage, read> exponents: array<i32>;
@group(0) @binding(3) var<storage, read_write> statistics: array<i32>;
${ROOT}`,
  /* wgsl */ `
    let sum = sums[g * ${SUM_WORDS}];
    let mean = mean_of(wide_left(wide(sum), ${MEAN_BITS}u), p.terms);
    let squares = wide_sum(
      wide_difference(wide_left(dot_of(g), ${2 * MEAN_BITS}u), wide_left(wide_product(mean, sum), ${MEAN_BITS + 1}u)),
      wide_product(p.terms, mean * mean),
    );
    let variance = wide_floor_divide(squares, u32(p.terms));
    let exponent = exponents[p.place + g / p.per_sample];
    let root = root_with(variance, -p.epsilon_shift - 2 * (exponent - ${MEAN_BITS}));
    let to = g * ${STATISTIC_WORDS};
    statistics[to] = mean;
    statistics[to + 1] = wide_saturated(variance);
    statistics[to + 2] = root.x;
    statistics[to + 3] = root.y;
`,
);

/** Statistics of a prediction by batch normalisation: moving mean and variance, at the exponent of masters. */
export const MOVING_STATISTICS = eachGroup(
  ['epsilon_shift'],
  /* wgsl */ `
@group(0) @binding(1) var<storage, read> means: array<i32>;
@group(0) @binding(2) var<storage, read> variances: array<i32>;
@group(0) @binding(3) var<storage, read_write> statistics: array<i32>;
${ROOT}`,
  /* wgsl */ `
    let root = root_with(wide(variances[g]), 24 - p.epsilon_shift);
    let to = g * ${STATISTIC_WORDS};
    statistics[to] = means[g];
    statistics[to + 2] = root.x;
    statistics[to + 3] = root.y;
`,
);

/** Means of h at 2^-8 and of h · units. */
export const SLOPES = eachGroup(
  ['terms'],
  /* wgsl */ `
${SUMS}
@group(0) @binding(2) var<storage, read_write> slopes: array<i32>;`,
  /* wgsl */ `
    slopes[g * ${SLOPE_WORDS}] = mean_of(wide_left(wide(sums[g * ${SUM_WORDS}]), ${GRADIENT_MEAN_BITS}u), p.terms);
    slopes[g * ${SLOPE_WORDS} + 1] = mean_of(dot_of(g), p.terms);
`,
);

/** Gradients of scale (folded) and offset from sums by channel. */
export const SCALE_GRADIENTS = eachGroup(
  ['fold', 'place_g', 'place_units', 'gamma_place', 'beta_place'],
  /* wgsl */ `
${SUMS}
@group(0) @binding(2) var<storage, read_write> gamma: array<i32>;
@group(0) @binding(3) var<storage, read_write> beta: array<i32>;
@group(0) @binding(4) var<storage, read_write> exponents: array<i32>;`,
  /* wgsl */ `
    gamma[g] = wide_fold(dot_of(g), p.fold);
    beta[g] = sums[g * ${SUM_WORDS}];
    if (g == 0) {
      exponents[p.gamma_place] = exponents[p.place_g] + exponents[p.place_units] + p.fold;
      exponents[p.beta_place] = exponents[p.place_g];
    }
`,
);

/** Moves mean and variance towards those of the batch, after the optimiser. */
export const MOVE_STATISTICS = eachGroup(
  ['momentum', 'place'],
  /* wgsl */ `
@group(0) @binding(1) var<storage, read> statistics: array<i32>;
@group(0) @binding(2) var<storage, read> exponents: array<i32>;
@group(0) @binding(3) var<storage, read_write> means: array<i32>;
@group(0) @binding(4) var<storage, read_write> variances: array<i32>;
fn moved(value: i32, goal: i32) -> i32 {
  let way = wide_round(wide_difference(wide(goal), wide(value)), p.momentum);
  return i32(wide_sum(wide(value), way).lo);
}`,
  /* wgsl */ `
    let exponent = exponents[p.place] - ${MEAN_BITS};
    let at = g * ${STATISTIC_WORDS};
    means[g] = moved(means[g], rescale(statistics[at], -24 - exponent));
    variances[g] = moved(variances[g], rescale(statistics[at + 1], -24 - 2 * exponent));
`,
);

const groupOf = /* wgsl */ `
fn group_of(i: i32) -> i32 { return select(i % p.channels, i / p.channels, p.by_row != 0); }
`;

/** (x - mean) / sigma at 2^-16. */
export const NORMALISE = measured({
  fields: ['channels', 'by_row'],
  reads: { values: 'i32', statistics: 'i32' },
  declarations: groupOf,
  body: /* wgsl */ `
    let at = group_of(i) * ${STATISTIC_WORDS};
    let away = (values[i] << ${MEAN_BITS}u) - statistics[at];
    value = wide_rescale(wide_product(away, statistics[at + 2]), statistics[at + 3] - ${UNIT_BITS});
    exponent = -${UNIT_BITS};
`,
});

/** The same by moving statistics. The variance is at 2^-24, so that 1 / sigma is scale · 2^(12 - shift). */
export const NORMALISE_MOVING = measured({
  fields: ['channels', 'by_row', 'place'],
  reads: { values: 'i32', statistics: 'i32' },
  declarations: groupOf,
  body: /* wgsl */ `
    let at = group_of(i) * ${STATISTIC_WORDS};
    let away = subtract_saturated(rescale(values[i], -24 - exponents[p.place + sample]), statistics[at]);
    value = wide_rescale(wide_product(away, statistics[at + 2]), statistics[at + 3] - 12 + 24 - ${UNIT_BITS});
    exponent = -${UNIT_BITS};
`,
});

/** dx = (h - mean(h) - units · mean(h · units)) / sigma. */
export const NORM_BACKWARD = measured({
  fields: ['channels', 'by_row', 'place_h', 'place_units', 'place_input'],
  reads: { h: 'i32', units: 'i32', statistics: 'i32', slopes: 'i32' },
  declarations: groupOf,
  body: /* wgsl */ `
    let g = group_of(i);
    let along = wide_rescale(
      wide_product(units[i], slopes[g * ${SLOPE_WORDS} + 1]),
      -2 * exponents[p.place_units] - ${GRADIENT_MEAN_BITS},
    );
    let rest = subtract_saturated((h[i] << ${GRADIENT_MEAN_BITS}u) - slopes[g * ${SLOPE_WORDS}], along);
    let at = g * ${STATISTIC_WORDS};
    value = wide_rescale(wide_product(rest, statistics[at + 2]), statistics[at + 3] - ${UNIT_BITS});
    exponent = exponents[p.place_h] - ${GRADIENT_MEAN_BITS + UNIT_BITS - MEAN_BITS} - exponents[p.place_input];
`,
});
