/** The layers in doubles, as textbooks write them: an oracle for loss and, by finite differences, for gradients. */
import type { Batch, Layer, Model } from '../../engine/index.ts';
import { dropoutKey, isKept } from '../../engine/reference/dropout.ts';
import { answersOf } from '../../engine/reference/loss.ts';

type Weights = readonly Float64Array[];

function erf(x: number): number {
  // Series; arguments of tests are small.
  let term = x;
  let sum = x;
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function convolve(
  layer: Extract<Layer, { kind: 'conv2d' }>,
  weights: Weights,
  input: Float64Array,
  count: number,
) {
  const [height, width, channels] = layer.input;
  const [rows, columns, filters] = layer.output;
  const out = new Float64Array(count * rows * columns * filters);
  const [perIn, perOut] = [channels / layer.groups, filters / layer.groups];
  for (let o = 0; o < out.length; o++) {
    const f = o % filters;
    const x = Math.floor(o / filters) % columns;
    const y = Math.floor(o / (filters * columns)) % rows;
    const s = Math.floor(o / (filters * columns * rows));
    let sum = layer.bias < 0 ? 0 : weights[layer.bias]![f]!;
    for (let i = 0; i < layer.size[0]; i++)
      for (let j = 0; j < layer.size[1]; j++) {
        const [v, u] = [y * layer.stride[0] + i - layer.before[0], x * layer.stride[1] + j - layer.before[1]];
        if (v < 0 || v >= height || u < 0 || u >= width) continue;
        for (let c = 0; c < perIn; c++) {
          const from = ((s * height + v) * width + u) * channels + Math.floor(f / perOut) * perIn + c;
          sum += input[from]! * weights[layer.kernel]![((i * layer.size[1] + j) * perIn + c) * filters + f]!;
        }
      }
    out[o] = layer.relu ? Math.max(0, sum) : sum;
  }
  return out;
}

function multiply(
  layer: Extract<Layer, { kind: 'dense' }>,
  weights: Weights,
  input: Float64Array,
  count: number,
) {
  const units = layer.output[2];
  const terms = input.length / count;
  return Float64Array.from({ length: count * units }, (_, o) => {
    const [s, n] = [Math.floor(o / units), o % units];
    let sum = layer.bias < 0 ? 0 : weights[layer.bias]![n]!;
    for (let k = 0; k < terms; k++) sum += input[s * terms + k]! * weights[layer.kernel]![k * units + n]!;
    return layer.relu ? Math.max(0, sum) : sum;
  });
}

function average(layer: Extract<Layer, { kind: 'average' }>, input: Float64Array, count: number) {
  const [height, width, channels] = layer.input;
  const [rows, columns] = layer.output;
  return Float64Array.from({ length: count * rows * columns * channels }, (_, o) => {
    const c = o % channels;
    const x = Math.floor(o / channels) % columns;
    const y = Math.floor(o / (channels * columns)) % rows;
    const s = Math.floor(o / (channels * columns * rows));
    let sum = 0;
    for (let i = 0; i < layer.size[0]; i++)
      for (let j = 0; j < layer.size[1]; j++)
        sum += input[((s * height + y * layer.size[0] + i) * width + x * layer.size[1] + j) * channels + c]!;
    return sum / (layer.size[0] * layer.size[1]);
  });
}

function normalise(layer: Extract<Layer, { gamma: number }>, weights: Weights, input: Float64Array) {
  const channels = layer.output[2];
  const groups = new Map<number, number[]>();
  input.forEach((_, i) => {
    const g = layer.kind === 'layerNorm' ? Math.floor(i / channels) : i % channels;
    groups.set(g, [...(groups.get(g) ?? []), i]);
  });
  const out = new Float64Array(input.length);
  for (const places of groups.values()) {
    const mean = places.reduce((sum, i) => sum + input[i]!, 0) / places.length;
    const variance = places.reduce((sum, i) => sum + (input[i]! - mean) ** 2, 0) / places.length;
    for (const i of places) {
      const unit = (input[i]! - mean) / Math.sqrt(variance + 2 ** -layer.epsilonShift);
      out[i] = unit * weights[layer.gamma]![i % channels]! + weights[layer.beta]![i % channels]!;
    }
  }
  return out;
}

function attend(layer: Extract<Layer, { kind: 'attention' }>, input: Float64Array, count: number) {
  const [length, , pitch] = layer.input;
  const channels = layer.output[2];
  const width = channels / layer.heads;
  const out = new Float64Array(count * length * channels);
  for (let s = 0; s < count; s++)
    for (let h = 0; h < layer.heads; h++)
      for (let t = 0; t < length; t++) {
        const at = (part: number, row: number, d: number) =>
          input[(s * length + row) * pitch + part * channels + h * width + d]!;
        const n = layer.causal ? t + 1 : length;
        const powers = Array.from({ length: n }, (_, j) => {
          let dot = 0;
          for (let d = 0; d < width; d++) dot += at(0, t, d) * at(1, j, d);
          return Math.exp(dot / Math.sqrt(width));
        });
        const sum = powers.reduce((total, power) => total + power, 0);
        for (let d = 0; d < width; d++)
          out[(s * length + t) * channels + h * width + d] = powers.reduce(
            (total, power, j) => total + (power / sum) * at(2, j, d),
            0,
          );
      }
  return out;
}

function apply(
  layer: Layer,
  weights: Weights,
  inputs: Float64Array[],
  batch: Batch,
  counter: number,
): Float64Array {
  const input = inputs[0]!;
  const count = batch.labels.length;
  switch (layer.kind) {
    case 'dense':
      return multiply(layer, weights, input, count);
    case 'conv2d':
      return convolve(layer, weights, input, count);
    case 'average':
      return average(layer, input, count);
    case 'relu':
      return input.map((x) => Math.max(0, x));
    case 'gelu':
      return input.map((x) => (x * (1 + erf(x / Math.SQRT2))) / 2);
    case 'add':
      return input.map((_, i) => inputs.reduce((sum, one) => sum + one[i]!, 0));
    case 'layerNorm':
    case 'batchNorm':
      return normalise(layer, weights, input);
    case 'embedding': {
      const width = layer.output[2];
      return Float64Array.from({ length: batch.inputs.length * width }, (_, i) => {
        return weights[layer.table]![batch.inputs[Math.floor(i / width)]! * width + (i % width)]!;
      });
    }
    case 'position':
      return input.map((x, i) => x + weights[layer.table]![i % weights[layer.table]!.length]!);
    case 'attention':
      return attend(layer, input, count);
    case 'dropout': {
      const key = dropoutKey(counter, layer.index);
      return input.map((x, i) => (isKept(key, i, layer.rateQ8) ? (x * 256) / (256 - layer.rateQ8) : 0));
    }
    case 'flatten':
    case 'pool':
      return input;
  }
}

/** Outputs of the last layer for a training batch in the step after `counter`. */
export function floatOutputs(model: Model, weights: Weights, batch: Batch, counter: number): Float64Array {
  const nodes: Float64Array[] = [Float64Array.from(batch.inputs, (byte) => byte / 256)];
  for (const layer of model.layers) {
    const inputs = layer.from.map((node) => nodes[node]!);
    nodes.push(apply(layer, weights, inputs, batch, counter));
  }
  return nodes.at(-1)!;
}

/** Sum of cross-entropies of the batch in nats. */
export function floatLoss(model: Model, weights: Weights, batch: Batch, counter: number): number {
  const logits = floatOutputs(model, weights, batch, counter);
  return answersOf(model, batch).reduce((sum, answer, row) => {
    const own = logits.subarray(row * model.classes, (row + 1) * model.classes);
    const most = Math.max(...own);
    const powers = own.reduce((total, z) => total + Math.exp(z - most), 0);
    return sum + Math.log(powers) + most - own[answer]!;
  }, 0);
}
