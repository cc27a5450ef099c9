/** Means over disjoint windows: exact sums times a 16-bit reciprocal of the window's size. */
import { type Block, bitLength, narrow, powerOfTwo, roundShift } from '../arithmetic/integers.ts';
import { type AverageLayer, volume } from '../model.ts';
import type { Context } from './context.ts';

export const RECIPROCAL_BITS = 15;

/** With l = ⌈log2 n⌉: round(2^(15 + l) / n), and l. */
export function reciprocal(n: number): { factor: number; log: number } {
  const log = n === 1 ? 0 : bitLength(n - 1);
  return { factor: Math.floor((powerOfTwo(RECIPROCAL_BITS + log + 1) + n) / (2 * n)), log };
}

/** Calls `visit` with every input element of a window and the output element that it belongs to. */
function eachElement(
  layer: AverageLayer,
  count: number,
  visit: (input: number, output: number) => void,
): void {
  const [height, width, channels] = layer.input;
  const [rows, columns] = layer.output;
  const [ph, pw] = layer.size;
  for (let output = 0; output < count * volume(layer.output); output++) {
    const channel = output % channels;
    const column = Math.floor(output / channels) % columns;
    const row = Math.floor(output / (channels * columns)) % rows;
    const sample = Math.floor(output / volume(layer.output));
    for (let i = 0; i < ph; i++)
      for (let j = 0; j < pw; j++)
        visit(((sample * height + row * ph + i) * width + column * pw + j) * channels + channel, output);
  }
}

export function averageForward(layer: AverageLayer, { format, count }: Context, input: Block): Block {
  const { factor, log } = reciprocal(layer.size[0] * layer.size[1]);
  const sums = new Float64Array(count * volume(layer.output));
  eachElement(layer, count, (from, to) => {
    sums[to]! += input.mantissas[from]!;
  });
  const values = Int32Array.from(sums, (sum) => roundShift(sum * factor, log));
  return narrow(values, input.exponent - RECIPROCAL_BITS, format.activationBits);
}

/** Every element of a window gets the window's gradient divided by its size; elements in no window get zero. */
export function averageBackward(layer: AverageLayer, { format, count }: Context, gradient: Block): Block {
  const { factor, log } = reciprocal(layer.size[0] * layer.size[1]);
  const values = new Int32Array(count * volume(layer.input));
  eachElement(layer, count, (to, from) => {
    values[to] = gradient.mantissas[from]! * factor;
  });
  return narrow(values, gradient.exponent - RECIPROCAL_BITS - log, format.gradientBits);
}
