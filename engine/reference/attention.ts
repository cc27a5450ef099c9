/** Scaled dot-product attention, head by head: exact products, the integer softmax of the loss, probabilities of 11 bits. */
import { narrowTogether, type Wide } from '../arithmetic/blocks.ts';
import { type FormatSpec, largest } from '../arithmetic/format.ts';
import {
  type Block,
  foldShift,
  narrow,
  powerOfTwo,
  rescale,
  roundShift,
  saturate,
} from '../arithmetic/integers.ts';
import { integerRoot } from '../arithmetic/roots.ts';
import { PROBABILITY_BITS, probabilities } from '../arithmetic/softmax.ts';
import { LOG2_E_Q16 } from '../arithmetic/tables.ts';
import type { AttentionLayer } from '../model.ts';
import type { Context } from './context.ts';

/** Probabilities as operands of products: 0 … 2047 at 2^−11. */
export const SHARE_BITS = 11;
export const SHARE_MAX = 2047;
/** 1 / sqrt(key_dim) at 2^−16. */
export const ROOT_BITS = 16;

/** Places of one head of one sample: row `t` of part 0 (queries), 1 (keys), 2 (values). */
interface Head {
  readonly length: number;
  readonly width: number;
  at(part: number, t: number): number;
  /** Row `t` of the output. */
  out(t: number): number;
}

function* headsOf({ input, output, heads }: AttentionLayer, count: number): Generator<Head> {
  const [length, , pitch] = input;
  const channels = output[2];
  const width = channels / heads;
  for (let sample = 0; sample < count; sample++)
    for (let head = 0; head < heads; head++)
      yield {
        length,
        width,
        at: (part, t) => (sample * length + t) * pitch + part * channels + head * width,
        out: (t) => (sample * length + t) * channels + head * width,
      };
}

function dot(a: Int16Array, i: number, b: Int16Array, j: number, n: number): number {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += a[i + k]! * b[j + k]!;
  return sum;
}

/** Positions that position `t` attends to: those up to itself, or all. */
const reach = (layer: AttentionLayer, t: number): number => (layer.causal ? t + 1 : layer.input[0]);

/** Shares of each row of one head, [length, length], 0 beyond its reach. */
function sharesOf(layer: AttentionLayer, format: FormatSpec, head: Head, input: Block): Int16Array {
  const { length, width } = head;
  const bound = largest(format.activationBits);
  const fold = foldShift(width, bound, bound);
  const factor = integerRoot(Math.floor((LOG2_E_Q16 * LOG2_E_Q16) / width));
  const shares = new Int16Array(length * length);
  for (let t = 0; t < length; t++) {
    const n = reach(layer, t);
    const row = Int32Array.from({ length: n }, (_, j) => {
      const sum = dot(input.mantissas, head.at(0, t), input.mantissas, head.at(1, j), width);
      return saturate(roundShift(sum, fold));
    });
    probabilities(row, 0, n, 2 * input.exponent + fold, factor, row);
    for (let j = 0; j < n; j++)
      shares[t * length + j] = Math.min(SHARE_MAX, roundShift(row[j]!, PROBABILITY_BITS - SHARE_BITS));
  }
  return shares;
}

export function attentionForward(layer: AttentionLayer, { format, count }: Context, input: Block): Block {
  const fold = foldShift(layer.input[0], SHARE_MAX, largest(format.activationBits));
  const values = new Int32Array(count * layer.output[0] * layer.output[2]);
  for (const head of headsOf(layer, count)) {
    const shares = sharesOf(layer, format, head, input);
    for (let t = 0; t < head.length; t++)
      for (let d = 0; d < head.width; d++) {
        let sum = 0;
        for (let j = 0; j < reach(layer, t); j++)
          sum += shares[t * head.length + j]! * input.mantissas[head.at(2, j) + d]!;
        values[head.out(t) + d] = saturate(roundShift(sum, fold));
      }
  }
  return narrow(values, input.exponent - SHARE_BITS + fold, format.activationBits);
}

/** Gradients of the shares of all heads, [heads of all samples, length, length]. */
function shareGradients(
  layer: AttentionLayer,
  { format, count }: Context,
  input: Block,
  gradient: Block,
): Wide {
  const fold = foldShift(
    layer.output[2] / layer.heads,
    largest(format.gradientBits),
    largest(format.activationBits),
  );
  const square = layer.input[0] ** 2;
  const values = new Int32Array(count * layer.heads * square);
  let start = 0;
  for (const head of headsOf(layer, count)) {
    for (let t = 0; t < head.length; t++)
      for (let j = 0; j < reach(layer, t); j++) {
        const sum = dot(gradient.mantissas, head.out(t), input.mantissas, head.at(2, j), head.width);
        values[start + t * head.length + j] = saturate(roundShift(sum, fold));
      }
    start += square;
  }
  return { values, exponent: gradient.exponent + input.exponent + fold };
}

/** Through the softmax: p · (g − Σ p g), at 2^−11 of the shares' gradient. */
function scoreGradients(layer: AttentionLayer, shares: readonly Int16Array[], of: Block): Wide {
  const length = layer.input[0];
  const values = new Int32Array(of.mantissas.length);
  for (const [place, share] of shares.entries()) {
    for (let t = 0; t < length; t++) {
      const start = place * length * length + t * length;
      const n = reach(layer, t);
      const mean = dot(share, t * length, of.mantissas, start, n);
      for (let j = 0; j < n; j++) {
        const away = of.mantissas[start + j]! * powerOfTwo(SHARE_BITS) - mean;
        values[start + j] = saturate(roundShift(share[t * length + j]! * away, SHARE_BITS));
      }
    }
  }
  return { values, exponent: of.exponent - SHARE_BITS };
}

interface Sums {
  /** Of queries and keys, before the division by sqrt(key_dim). */
  readonly scores: Float64Array;
  readonly values: Float64Array;
}

function addHead(
  layer: AttentionLayer,
  head: Head,
  sums: Sums,
  of: { input: Block; gradient: Block; share: Int16Array; score: Int16Array },
): void {
  const { length, width } = head;
  const { mantissas } = of.input;
  for (let t = 0; t < length; t++)
    for (let j = 0; j < reach(layer, t); j++) {
      const [s, p] = [of.score[t * length + j]!, of.share[t * length + j]!];
      const [query, key, value, out] = [head.at(0, t), head.at(1, j), head.at(2, j), head.out(t)];
      for (let d = 0; d < width; d++) {
        sums.scores[query + d]! += s * mantissas[key + d]!;
        sums.scores[key + d]! += s * mantissas[query + d]!;
        sums.values[value + d]! += p * of.gradient.mantissas[out + d]!;
      }
    }
}

/** Gradient of queries, keys and values, narrowed to one exponent. */
export function attentionBackward(
  layer: AttentionLayer,
  context: Context,
  input: Block,
  gradient: Block,
): Block {
  const { format, count } = context;
  const length = layer.input[0];
  const heads = [...headsOf(layer, count)];
  const shares = heads.map((head) => sharesOf(layer, format, head, input));
  const ofShares = shareGradients(layer, context, input, gradient);
  const ofScores = scoreGradients(
    layer,
    shares,
    narrow(ofShares.values, ofShares.exponent, format.gradientBits),
  );
  const scores = narrow(ofScores.values, ofScores.exponent, format.gradientBits);
  const sums = {
    scores: new Float64Array(input.mantissas.length),
    values: new Float64Array(input.mantissas.length),
  };
  for (const [place, head] of heads.entries()) {
    const score = scores.mantissas.subarray(place * length * length, (place + 1) * length * length);
    addHead(layer, head, sums, { input, gradient, share: shares[place]!, score });
  }
  const [gradientMax, activationMax] = [largest(format.gradientBits), largest(format.activationBits)];
  const folds = [
    foldShift(length, gradientMax, activationMax),
    foldShift(length, SHARE_MAX, gradientMax),
  ] as const;
  const factor = integerRoot(Math.floor(powerOfTwo(2 * ROOT_BITS) / (layer.output[2] / layer.heads)));
  const [a, b] = narrowTogether(
    [
      {
        values: Int32Array.from(sums.scores, (sum) =>
          rescale(saturate(roundShift(sum, folds[0])) * factor, ROOT_BITS),
        ),
        exponent: scores.exponent + input.exponent + folds[0],
      },
      {
        values: Int32Array.from(sums.values, (sum) => saturate(roundShift(sum, folds[1]))),
        exponent: gradient.exponent - SHARE_BITS + folds[1],
      },
    ],
    format.gradientBits,
  );
  // Queries and keys have no part in the second, values none in the first.
  return { exponent: a!.exponent, mantissas: a!.mantissas.map((m, i) => m + b!.mantissas[i]!) };
}
