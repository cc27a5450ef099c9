/**
 * The exact products of dense and convolution layers as one tiled kernel: the left operand is gathered from images by a table of taps,
 * so nothing is unrolled into memory. A dense layer is a convolution of one pixel.
 */
import { INTEGERS } from './integers.ts';

/** Rows and columns of one workgroup's tile, and terms that it takes at once. */
export const TILE = 32;
export const TERMS = 16;

/** `windows`: output or input gradient, rows are pixels. `positions`: kernel gradient, rows are taps and terms are pixels. */
export type ProductKind = 'windows' | 'positions';

export interface ProductVariant {
  readonly kind: ProductKind;
  /** Sums of more terms than int32 holds go on in pairs of words. */
  readonly long: boolean;
  /** Four 8-bit products at once. */
  readonly packed: boolean;
}

export const productName = ({ kind, long, packed }: ProductVariant): string =>
  `${kind}${long ? '-long' : ''}${packed ? '-packed' : ''}`;

const PARAMETERS = /* wgsl */ `
struct Product {
  m: i32, n: i32, k: i32, fold: i32,
  // Pixels of one sample whose windows are taken: rows and columns, their distance, where the first starts.
  rows: i32, columns: i32, stride_y: i32, stride_x: i32,
  start_y: i32, start_x: i32, height: i32, width: i32,
  // The image that is read: elements of a pixel row, of a sample; its rows and columns stand this far apart.
  pitch: i32, plane: i32, channels: i32, step_b: i32,
  spread_y: i32, spread_x: i32, block: i32, slice: i32,
  // Place of the result's magnitude; of positions, the first slice of this round.
  exponent_a: i32, exponent_b: i32, exponent_out: i32, magnitude: i32,
  has_bias: i32, relu: i32, by_sample: i32, groups: i32,
  // Of each group: channels of the left operand, columns of the right one; columns of the result in all.
  group_a: i32, group_b: i32, out_pitch: i32, b_pitch: i32,
}
@group(0) @binding(0) var<uniform> p: Product;
@group(0) @binding(1) var<storage, read> a: array<i32>;
@group(0) @binding(2) var<storage, read> b: array<i32>;
// Of each tap: row and column in the window, channel, and its place in the right operand.
@group(0) @binding(3) var<storage, read> taps: array<vec4<i32>>;
@group(0) @binding(4) var<storage, read_write> out: array<i32>;
`;

/** Reads one element of the gathered operand: zero outside the image and between spread pixels. */
const GATHER = /* wgsl */ `
struct Window { y: i32, x: i32, base: i32 }

fn window_of(pixel: i32) -> Window {
  let per_sample = p.rows * p.columns;
  let sample = pixel / per_sample;
  let place = pixel - sample * per_sample;
  let row = place / p.columns;
  let column = place - row * p.columns;
  return Window(row * p.stride_y + p.start_y, column * p.stride_x + p.start_x, sample * p.plane);
}

fn element(window: Window, tap: vec4<i32>) -> i32 {
  var y = window.y + tap.x;
  var x = window.x + tap.y;
  if (y < 0 || x < 0) { return 0; }
  if (p.spread_y != 1) {
    if (y % p.spread_y != 0) { return 0; }
    y = y / p.spread_y;
  }
  if (p.spread_x != 1) {
    if (x % p.spread_x != 0) { return 0; }
    x = x / p.spread_x;
  }
  if (y >= p.height || x >= p.width) { return 0; }
  return a[window.base + y * p.pitch + x * p.channels + tap.z];
}
`;

/** One row of the tile is one invocation's own; terms are read one after the other. */
const LOADS: Readonly<Record<ProductKind, string>> = {
  windows: /* wgsl */ `
var<private> window: Window;
var<private> row_inside: bool;
var<private> column: i32;
var<private> right_start: i32;
fn prepare(row: i32, col: i32, group: i32) {
  row_inside = row < p.m;
  column = col;
  right_start = group * p.group_b + col * p.step_b;
  window = window_of(min(row, p.m - 1));
  window.base += group * p.group_a;
}
fn load_a(k: i32, end: i32) -> i32 {
  if (!row_inside || k >= end) { return 0; }
  return element(window, taps[k]);
}
fn load_b(k: i32, end: i32) -> i32 {
  if (column >= p.n || k >= end) { return 0; }
  return b[taps[k].w + right_start];
}
`,
  positions: /* wgsl */ `
var<private> tap: vec4<i32>;
var<private> row_inside: bool;
var<private> column: i32;
var<private> right_start: i32;
fn prepare(row: i32, col: i32, group: i32) {
  row_inside = row < p.m;
  column = col;
  right_start = group * p.group_b + col;
  tap = taps[min(row, p.m - 1)];
  tap.z += group * p.group_a;
}
fn load_a(k: i32, end: i32) -> i32 {
  if (!row_inside || k >= end) { return 0; }
  return element(window_of(k), tap);
}
fn load_b(k: i32, end: i32) -> i32 {
  if (column >= p.n || k >= end) { return 0; }
  return b[k * p.b_pitch + right_start];
}
`,
};

/** Products of a 4 × 4 corner: a row of four sums each, by name, for an array might not stay in registers. */
const ROWS = [0, 1, 2, 3] as const;
const COMPONENTS = ['x', 'y', 'z', 'w'] as const;
const declareSums = ROWS.map((i) => `var s${i} = vec4<i32>();`).join(' ');

const PLAIN_STEP = /* wgsl */ `
for (var i = 0u; i < 8u; i++) {
  let k = k0 + i32(half * 8u + i);
  left[(half * 8u + i) * 32u + lane] = load_a(k, end);
  right[(half * 8u + i) * 32u + lane] = load_b(k, end);
}
workgroupBarrier();
for (var k = 0u; k < 16u; k++) {
  let l = k * 32u + ty * 4u;
  let r = k * 32u + tx * 4u;
  let row = vec4<i32>(right[r], right[r + 1u], right[r + 2u], right[r + 3u]);
  ${ROWS.map((i) => `s${i} += left[l + ${i}u] * row;`).join(' ')}
}
`;

const dots = (i: number): string =>
  COMPONENTS.map((component, j) => `s${i}.${component} += dot4I8Packed(a${i}, b${j});`).join(' ');

const PACKED_STEP = /* wgsl */ `
for (var i = 0u; i < 2u; i++) {
  var l: vec4<i32>;
  var r: vec4<i32>;
  for (var j = 0u; j < 4u; j++) {
    let k = k0 + i32(half * 8u + i * 4u + j);
    l[j] = load_a(k, end);
    r[j] = load_b(k, end);
  }
  left[(half * 2u + i) * 32u + lane] = pack4xI8(l);
  right[(half * 2u + i) * 32u + lane] = pack4xI8(r);
}
workgroupBarrier();
for (var k = 0u; k < 4u; k++) {
  let l = k * 32u + ty * 4u;
  let r = k * 32u + tx * 4u;
  ${ROWS.map((i) => `let a${i} = left[l + ${i}u]; let b${i} = right[r + ${i}u];`).join(' ')}
  ${ROWS.map(dots).join(' ')}
}
`;

/** The sums as an array, for what is done to each of them. */
const LISTED = /* wgsl */ `let sums = array<vec4<i32>, 4>(${ROWS.map((i) => `s${i}`).join(', ')});`;

/** After so many steps the sums move into pairs of words, before int32 could overflow. */
const LONG_FLUSH = /* wgsl */ `
steps++;
if (steps == p.block || k0 + 16 >= end) {
  ${LISTED}
  for (var i = 0; i < 16; i++) { wides[i] = wide_add(wides[i], sums[i >> 2u][i & 3]); }
  ${ROWS.map((i) => `s${i} = vec4<i32>();`).join(' ')}
  steps = 0;
}
`;

/** Bias, ReLU, exponent and magnitude of the rows that are pixels. */
const FINISH = /* wgsl */ `
@group(0) @binding(5) var<storage, read> bias: array<i32>;
@group(0) @binding(6) var<storage, read_write> exponents: array<i32>;
@group(0) @binding(7) var<storage, read_write> magnitudes: array<atomic<u32>>;
var<workgroup> tile_magnitude: atomic<u32>;

fn finish(value: i32, row: i32, col: i32, group: i32) -> u32 {
  if (row >= p.m || col >= p.n) { return 0u; }
  let whole_column = group * p.n + col;
  let per_sample = p.rows * p.columns;
  let place = p.by_sample * (row / per_sample);
  let exponent = exponents[p.exponent_a + place] + exponents[p.exponent_b] + p.fold;
  var z = value;
  if (p.has_bias != 0) { z = add_saturated(z, rescale(bias[whole_column], exponent + 24)); }
  if (p.relu != 0) { z = max(z, 0); }
  out[row * p.out_pitch + whole_column] = z;
  if (whole_column == 0 && row == place * per_sample) { exponents[p.exponent_out + place] = exponent; }
  let size = u32(abs(z));
  if (p.by_sample != 0) {
    atomicOr(&magnitudes[p.magnitude + place], size);
    return 0u;
  }
  return size;
}
`;

function ending({ kind, long }: ProductVariant): string {
  const value = long ? 'wide_fold(wides[i], p.fold)' : 'sums[i >> 2u][i & 3]';
  const list = long ? '' : LISTED;
  if (kind === 'positions')
    return /* wgsl */ `
  ${list}
  for (var i = 0; i < 16; i++) { store(${value}, row + (i >> 2u), col + (i & 3), slice, group); }
`;
  return /* wgsl */ `
  ${list}
  if (index == 0u) { atomicStore(&tile_magnitude, 0u); }
  workgroupBarrier();
  var size = 0u;
  for (var i = 0; i < 16; i++) { size |= finish(${value}, row + (i >> 2u), col + (i & 3), group); }
  if (p.by_sample == 0) { atomicOr(&tile_magnitude, size); }
  workgroupBarrier();
  if (index == 0u && p.by_sample == 0) { atomicOr(&magnitudes[p.magnitude], atomicLoad(&tile_magnitude)); }
`;
}

const STORE = /* wgsl */ `
fn store(value: i32, row: i32, col: i32, slice: i32, group: i32) {
  if (row < p.m && col < p.n) { out[(slice * p.m + row) * p.out_pitch + group * p.n + col] = value; }
}
`;

/** The source of a product: out [m, n] = left [m, k] · right [k, n]; of `positions`, one such for each slice of the terms. */
export function productSource(variant: ProductVariant): string {
  const { kind, long, packed } = variant;
  const bounds =
    kind === 'positions'
      ? 'let slice = i32(id.z) / p.groups; let begin = (p.magnitude + slice) * p.slice; let end = min(p.k, begin + p.slice);'
      : 'let begin = 0; let end = p.k;';
  const words = packed ? 'u32, 128' : 'i32, 512';
  return /* wgsl */ `
${packed ? 'requires packed_4x8_integer_dot_product;' : ''}
${INTEGERS}
${PARAMETERS}
${GATHER}
${LOADS[kind]}
${kind === 'positions' ? STORE : FINISH}
var<workgroup> left: array<${words}>;
var<workgroup> right: array<${words}>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let lane = index & 31u;
  let half = index >> 5u;
  let tx = index & 7u;
  let ty = index >> 3u;
  ${bounds}
  let group = i32(id.z) % p.groups;
  prepare(i32(id.x * 32u + lane), i32(id.y * 32u + lane), group);
  ${declareSums}
  ${long ? 'var wides: array<Wide, 16>; var steps = 0;' : ''}
  for (var k0 = begin; k0 < end; k0 += 16) {
    ${packed ? PACKED_STEP : PLAIN_STEP}
    workgroupBarrier();
    ${long ? LONG_FLUSH : ''}
  }
  let row = i32(id.x * 32u + ty * 4u);
  let col = i32(id.y * 32u + tx * 4u);
  ${ending(variant)}
}
`;
}

/** Adds slices of a kernel gradient to pairs of words; the last round folds them. */
export const FOLD_SLICES = /* wgsl */ `
${INTEGERS}
struct Fold {
  size: i32, slices: i32, first: i32, last: i32,
  fold: i32, exponent_a: i32, exponent_b: i32, exponent_out: i32,
}
@group(0) @binding(0) var<uniform> p: Fold;
@group(0) @binding(1) var<storage, read> slices: array<i32>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec2<i32>>;
@group(0) @binding(3) var<storage, read_write> out: array<i32>;
@group(0) @binding(4) var<storage, read_write> exponents: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  if (id.x == 0u && p.last != 0) {
    exponents[p.exponent_out] = exponents[p.exponent_a] + exponents[p.exponent_b] + p.fold;
  }
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) {
    var sum = Wide(0u, 0);
    if (p.first == 0) { sum = Wide(u32(sums[i].x), sums[i].y); }
    for (var s = 0; s < p.slices; s++) { sum = wide_add(sum, slices[s * p.size + i]); }
    if (p.last != 0) { out[i] = wide_fold(sum, p.fold); } else { sums[i] = vec2<i32>(i32(sum.lo), sum.hi); }
  }
}
`;
