/** Layer and batch normalisation: integer mean and variance of each group, an integer reciprocal root, then scale and offset. */
import type { Wide } from '../arithmetic/blocks.ts';
import { largest } from '../arithmetic/format.ts';
import {
  type Block,
  foldShift,
  MASTER_EXPONENT,
  narrow,
  powerOfTwo,
  rescale,
  roundShift,
  saturate,
} from '../arithmetic/integers.ts';
import { reciprocalRoot } from '../arithmetic/roots.ts';
import { type NormLayer, volume } from '../model.ts';
import type { Context } from './context.ts';

/** Means and deviations are kept at 2^−4 of a mantissa: squares of 2^20 of them stay below 2^53. */
export const MEAN_BITS = 4;
/** Normalised values before they are narrowed. */
export const UNIT_BITS = 16;
/** Means of gradients are kept at 2^−8 of a mantissa. */
export const GRADIENT_MEAN_BITS = 8;
/** Above this a variance has no need of the ε. */
export const EPSILON_LIMIT = 40;

/** floor((2 · sum + n) / 2n): to nearest, halves upward. */
const meanOf = (sum: number, n: number): number => Math.floor((2 * sum + n) / (2 * n));

/** Groups share a mean: the channels of a position, or the positions of a channel over the batch. */
interface Groups {
  readonly count: number;
  readonly size: number;
  /** Index of element `k` of group `g`. */
  at(g: number, k: number): number;
}

function groupsOf(layer: NormLayer, samples: number): Groups {
  const channels = layer.output[2];
  const positions = (samples * volume(layer.output)) / channels;
  return layer.kind === 'layerNorm'
    ? { count: positions, size: channels, at: (g, k) => g * channels + k }
    : { count: channels, size: positions, at: (g, k) => k * channels + g };
}

const sumOf = (groups: Groups, g: number, of: (index: number) => number): number => {
  let sum = 0;
  for (let k = 0; k < groups.size; k++) sum += of(groups.at(g, k));
  return sum;
};

/** ε = 2^−epsilonShift in units of a variance at 2^exponent, 0 where it is below one. */
export function epsilonAt(epsilonShift: number, exponent: number): number {
  const shift = -epsilonShift - exponent;
  return shift < 0 ? 0 : powerOfTwo(Math.min(EPSILON_LIMIT, shift));
}

/** Mean at 2^−4 of a mantissa, floor of the variance at its square, and 1 / σ. */
function statistics(layer: NormLayer, groups: Groups, g: number, { mantissas, exponent }: Block) {
  const mean = meanOf(sumOf(groups, g, (i) => mantissas[i]!) * powerOfTwo(MEAN_BITS), groups.size);
  const squares = sumOf(groups, g, (i) => (mantissas[i]! * powerOfTwo(MEAN_BITS) - mean) ** 2);
  const variance = Math.floor(squares / groups.size);
  const epsilon = epsilonAt(layer.epsilonShift, 2 * (exponent - MEAN_BITS));
  return { mean, variance, root: reciprocalRoot(Math.max(1, variance + epsilon)) };
}

/** (x − mean) / σ of a training batch, narrowed over the whole tensor. */
function normalised(layer: NormLayer, { format, count }: Context, input: Block): Block {
  const groups = groupsOf(layer, count);
  const values = new Int32Array(input.mantissas.length);
  for (let g = 0; g < groups.count; g++) {
    const { mean, root } = statistics(layer, groups, g, input);
    for (let k = 0; k < groups.size; k++) {
      const i = groups.at(g, k);
      const deviation = input.mantissas[i]! * powerOfTwo(MEAN_BITS) - mean;
      values[i] = saturate(roundShift(deviation * root.scale, root.shift - UNIT_BITS));
    }
  }
  return narrow(values, -UNIT_BITS, format.activationBits);
}

/** The same from moving statistics, as a prediction needs it. */
function normalisedByMoving(layer: NormLayer, { format, weights }: Context, input: Block): Block {
  const [means, variances] = [weights[layer.mean]!, weights[layer.mean + 1]!];
  const epsilon = epsilonAt(layer.epsilonShift, MASTER_EXPONENT);
  const channels = layer.output[2];
  const values = Int32Array.from(input.mantissas, (m, i) => {
    const c = i % channels;
    const deviation = saturate(rescale(m, MASTER_EXPONENT - input.exponent) - means[c]!);
    const { scale, shift } = reciprocalRoot(Math.max(1, variances[c]! + epsilon));
    // 1 / σ is scale · 2^(12 − shift), as the variance is at 2^−24.
    return rescale(deviation * scale, shift - 12 - MASTER_EXPONENT - UNIT_BITS);
  });
  return narrow(values, -UNIT_BITS, format.activationBits);
}

export function normForward(layer: NormLayer, context: Context, input: Block): Block {
  const { format, weights, counter } = context;
  const moving = layer.kind === 'batchNorm' && counter === undefined;
  const units = moving ? normalisedByMoving(layer, context, input) : normalised(layer, context, input);
  const gamma = narrow(weights[layer.gamma]!, MASTER_EXPONENT, format.weightBits);
  const exponent = units.exponent + gamma.exponent;
  const channels = layer.output[2];
  const values = Int32Array.from(units.mantissas, (u, i) => {
    const offset = rescale(weights[layer.beta]![i % channels]!, exponent - MASTER_EXPONENT);
    return saturate(u * gamma.mantissas[i % channels]! + offset);
  });
  return narrow(values, exponent, format.activationBits);
}

export interface NormGradients {
  readonly input: Block;
  readonly gamma: Wide;
  readonly beta: Wide;
}

/** dx = (h − mean(h) − x̂ · mean(h · x̂)) / σ with h = γ · g; gradients of γ and β are sums over all positions. */
export function normBackward(
  layer: NormLayer,
  context: Context,
  input: Block,
  gradient: Block,
): NormGradients {
  const { format, count, weights } = context;
  const units = normalised(layer, context, input);
  const channels = layer.output[2];
  const positions = input.mantissas.length / channels;
  const gammaSums = new Float64Array(channels);
  const beta = new Int32Array(channels);
  gradient.mantissas.forEach((g, i) => {
    gammaSums[i % channels]! += g * units.mantissas[i]!;
    beta[i % channels]! += g;
  });
  const fold = foldShift(positions, largest(format.gradientBits), largest(format.activationBits));
  const gamma = Int32Array.from(gammaSums, (sum) => saturate(roundShift(sum, fold)));
  const scale = narrow(weights[layer.gamma]!, MASTER_EXPONENT, format.weightBits);
  const scaled = Int32Array.from(gradient.mantissas, (g, i) => g * scale.mantissas[i % channels]!);
  const h = narrow(scaled, gradient.exponent + scale.exponent, format.gradientBits);
  return {
    input: inputGradient(layer, context, groupsOf(layer, count), { input, units, h }),
    gamma: { values: gamma, exponent: gradient.exponent + units.exponent + fold },
    beta: { values: beta, exponent: gradient.exponent },
  };
}

function inputGradient(
  layer: NormLayer,
  { format }: Context,
  groups: Groups,
  { input, units, h }: { input: Block; units: Block; h: Block },
): Block {
  const values = new Int32Array(input.mantissas.length);
  const one = powerOfTwo(GRADIENT_MEAN_BITS);
  for (let g = 0; g < groups.count; g++) {
    const { root } = statistics(layer, groups, g, input);
    const mean = meanOf(sumOf(groups, g, (i) => h.mantissas[i]!) * one, groups.size);
    const slope = meanOf(
      sumOf(groups, g, (i) => h.mantissas[i]! * units.mantissas[i]!),
      groups.size,
    );
    for (let k = 0; k < groups.size; k++) {
      const i = groups.at(g, k);
      const along = rescale(units.mantissas[i]! * slope, -2 * units.exponent - GRADIENT_MEAN_BITS);
      const rest = saturate(h.mantissas[i]! * one - mean - along);
      values[i] = saturate(roundShift(rest * root.scale, root.shift - UNIT_BITS));
    }
  }
  const exponent = h.exponent - GRADIENT_MEAN_BITS - UNIT_BITS + MEAN_BITS - input.exponent;
  return narrow(values, exponent, format.gradientBits);
}

/** Where the moving mean and variance go: those of the batch, at the exponent of masters. */
export function batchStatistics(
  layer: NormLayer,
  { count }: Context,
  input: Block,
): [Int32Array, Int32Array] {
  const groups = groupsOf(layer, count);
  const exponent = input.exponent - MEAN_BITS;
  const means = new Int32Array(groups.count);
  const variances = new Int32Array(groups.count);
  for (let g = 0; g < groups.count; g++) {
    const { mean, variance } = statistics(layer, groups, g, input);
    means[g] = rescale(mean, MASTER_EXPONENT - exponent);
    variances[g] = rescale(variance, MASTER_EXPONENT - 2 * exponent);
  }
  return [means, variances];
}
