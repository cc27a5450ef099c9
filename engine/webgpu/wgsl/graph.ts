/** Kernels of graphs that are no product: sums of blocks, means of windows, GELU, dropout, scale and offset by channel. */
import { RECIPROCAL_BITS } from '../../reference/average.ts';
import { SCALE_BITS } from '../../reference/dropout.ts';
import { measured } from './measured.ts';

/** Most terms of one sum: the gradients of an output's takers. */
export const MAX_TERMS = 16;
const placeFields = Array.from({ length: MAX_TERMS }, (_, i) => `place_${i}`);

/** Scales and tables have one exponent for all samples. */
const SHARED_PLACE = /* wgsl */ `
fn place_of(place: i32, shared_place: i32, sample: i32) -> i32 { return place + select(sample, 0, shared_place != 0); }
`;

/**
 * Adds two blocks to a sum at E = max(largest e - 16, smallest e) over all its blocks. `period`: elements after which the second begins
 * anew. Sums of more blocks take several calls, of which only the last one's magnitude is used.
 */
export const SUM = measured({
  fields: ['first', 'terms', 'one', 'other', 'has_other', 'period', 'shared_place', ...placeFields],
  reads: { a: 'i32', b: 'i32' },
  declarations: /* wgsl */ `
${SHARED_PLACE}
fn sum_exponent(sample: i32) -> i32 {
  var places = array<i32, ${MAX_TERMS}>(${placeFields.map((field) => `p.${field}`).join(', ')});
  var least = MAX;
  var most = -MAX;
  for (var t = 0; t < p.terms; t++) {
    let e = exponents[place_of(places[t], select(0, p.shared_place, t == 1), sample)];
    least = min(least, e);
    most = max(most, e);
  }
  return max(most - 16, least);
}
`,
  body: /* wgsl */ `
    exponent = sum_exponent(sample);
    if (p.first == 0) { value = out[i]; }
    value += rescale(a[i], exponent - exponents[p.one + sample]);
    if (p.has_other != 0) {
      value += rescale(b[i % p.period], exponent - exponents[place_of(p.other, p.shared_place, sample)]);
    }
`,
});

const windowFields = ['height', 'width', 'channels', 'rows', 'columns', 'window_y', 'window_x'];

export const AVERAGE_FORWARD = measured({
  fields: ['place', 'factor', 'log', ...windowFields],
  reads: { values: 'i32' },
  body: /* wgsl */ `
    let channel = i % p.channels;
    let pixel = i / p.channels;
    let column = pixel % p.columns;
    let line = pixel / p.columns;
    let row = line % p.rows;
    let image = line / p.rows;
    let first = ((image * p.height + row * p.window_y) * p.width + column * p.window_x) * p.channels + channel;
    var sum = 0;
    for (var y = 0; y < p.window_y; y++) {
      for (var x = 0; x < p.window_x; x++) { sum += values[first + (y * p.width + x) * p.channels]; }
    }
    value = wide_rescale(wide_product(sum, p.factor), p.log);
    exponent = exponents[p.place + sample] - ${RECIPROCAL_BITS};
`,
});

/** Each input element asks its window for its share. */
export const AVERAGE_BACKWARD = measured({
  fields: ['place', 'factor', 'log', ...windowFields],
  reads: { gradient: 'i32' },
  body: /* wgsl */ `
    let channel = i % p.channels;
    let pixel = i / p.channels;
    let column = (pixel % p.width) / p.window_x;
    let line = pixel / p.width;
    let row = (line % p.height) / p.window_y;
    let image = line / p.height;
    if (row < p.rows && column < p.columns) {
      value = gradient[((image * p.rows + row) * p.columns + column) * p.channels + channel] * p.factor;
    }
    exponent = exponents[p.place + sample] - ${RECIPROCAL_BITS} - p.log;
`,
});

/** m · T(x): forward m is x itself, backward the gradient. Both tables have T(-x) = 1 - T(x). */
export const GELU = measured({
  fields: ['place', 'place_x'],
  reads: { values: 'i32', inputs: 'i32', table: 'i32' },
  body: /* wgsl */ `
    let x = inputs[i];
    let u = min(6 * 16384 - 1, rescale(abs(x), -14 - exponents[p.place_x + sample]));
    let k = u >> 8u;
    let r = u & 255;
    var share = (table[k] * (256 - r) + table[k + 1] * r) >> 8u;
    if (x < 0) { share = 65536 - share; }
    value = values[i] * share;
    exponent = exponents[p.place + sample] - 16;
`,
});

/** Which elements are kept follows from the step's key of this layer. */
export const DROPOUT = measured({
  fields: ['place', 'key', 'rate', 'factor'],
  reads: { values: 'i32', words: 'i32' },
  declarations: /* wgsl */ `
fn mix_word(x: u32) -> u32 {
  var y = (x ^ (x >> 16u)) * 0x7feb352du;
  y = (y ^ (y >> 15u)) * 0x846ca68bu;
  return y ^ (y >> 16u);
}
`,
  body: /* wgsl */ `
    let word = mix_word(u32(words[p.key]) ^ (u32(i + 1) * 0x85ebca6bu));
    if (i32(word >> 24u) >= p.rate) { value = values[i] * p.factor; }
    exponent = exponents[p.place + sample] - ${SCALE_BITS};
`,
});

/** u · scale + offset by channel; the scale's exponent belongs to all samples, the offset is a master. */
export const SCALE_OFFSET = measured({
  fields: ['place', 'scale_place', 'channels', 'has_offset'],
  reads: { values: 'i32', scale: 'i32', offset: 'i32' },
  body: /* wgsl */ `
    let channel = i % p.channels;
    exponent = exponents[p.place + sample] + exponents[p.scale_place];
    value = values[i] * scale[channel];
    if (p.has_offset != 0) { value = add_saturated(value, rescale(offset[channel], exponent + 24)); }
`,
});
