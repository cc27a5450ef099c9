/** Stages without products: sums of blocks, average pooling, GELU, dropout, embeddings. */
import { sumExponent } from '../arithmetic/blocks.ts';
import { largest } from '../arithmetic/format.ts';
import { GELU_SLOPE_Q16, NORMAL_CDF_Q16 } from '../arithmetic/layers.tables.ts';
import {
  type AverageLayer,
  type DropoutLayer,
  type EmbeddingLayer,
  type Layer,
  type PositionLayer,
  volume,
} from '../model.ts';
import { RECIPROCAL_BITS, reciprocal } from '../reference/average.ts';
import { dropoutKey, keptFactor, SCALE_BITS } from '../reference/dropout.ts';
import { lookUp } from '../reference/gelu.ts';
import type { GraphKernel, PieceArguments } from './machine.ts';
import {
  type Context,
  createSlot,
  MANTISSA_BYTES,
  narrowInto,
  narrowTensor,
  type Ports,
  type Slot,
  type Stage,
} from './stage.ts';

const GRAIN = 8;

/** A kernel that fills `wide`, then narrowing into a slot. */
function wideInto(
  { machine, scratch }: Context,
  kernel: GraphKernel,
  [n, grain]: readonly [number, number],
  of: PieceArguments,
  to: { slot: Slot; size: number; exponent: number; width: number },
): void {
  const bits = machine.graph(kernel, n, grain, of);
  narrowInto(machine, scratch.wide, to.slot, to.size, bits, to.exponent, to.width);
}

/** `to` = sum of blocks of `n` mantissas; `repeated` is one more block that repeats `count` times. */
function addBlocks(
  { machine, scratch }: Context,
  blocks: readonly Slot[],
  n: number,
  to: Slot,
  width: number,
  repeated?: { slot: Slot; count: number },
): void {
  const all = repeated ? [...blocks, repeated.slot] : blocks;
  const exponent = sumExponent(all.map((block) => block.exponent));
  let bits = 0;
  blocks.forEach((block, index) => {
    bits = machine.graph('accumulate', n, GRAIN, (begin, end) => [
      block.pointer + MANTISSA_BYTES * begin,
      scratch.wide + 4 * begin,
      end - begin,
      exponent - block.exponent,
      index === 0 ? 1 : 0,
    ]);
  });
  if (repeated) {
    const { slot, count } = repeated;
    const size = n / count;
    bits = machine.graph('addRepeated', count, 1, (begin, end) => [
      slot.pointer,
      scratch.wide + 4 * begin * size,
      end - begin,
      size,
      exponent - slot.exponent,
    ]);
  }
  narrowInto(machine, scratch.wide, to, n, bits, exponent, width);
}

/** Sum of several layers' outputs; its gradient needs no work. */
export const createAdd = (context: Context, inputs: readonly Slot[], output: Slot, size: number): Stage => ({
  forward: (count) => addBlocks(context, inputs, count * size, output, context.format.activationBits),
});

/** Sum of the gradients that arrive at an output which several layers take. */
export const createSum = (context: Context, arriving: readonly Slot[], to: Slot, size: number): Stage => ({
  forward: () => undefined,
  backward: (count) => addBlocks(context, arriving, count * size, to, context.format.gradientBits),
});

export function createAverage(context: Context, layer: AverageLayer, ports: Ports): Stage {
  const { machine, scratch, format } = context;
  const { factor, log } = reciprocal(layer.size[0] * layer.size[1]);
  const [from, to] = [volume(layer.input), volume(layer.output)];
  const geometry = [...layer.input, ...layer.size];
  const { input, output, inputGradient, outputGradient } = ports;
  const means = createSlot(machine, outputGradient ? context.capacity * to : 0);
  return {
    forward(count) {
      wideInto(
        context,
        'averageForward',
        [count, 1],
        (begin, end) => [
          input.pointer + MANTISSA_BYTES * begin * from,
          scratch.wide + 4 * begin * to,
          end - begin,
          ...geometry,
          factor,
          log,
        ],
        {
          slot: output,
          size: count * to,
          exponent: input.exponent - RECIPROCAL_BITS,
          width: format.activationBits,
        },
      );
    },
    backward(count) {
      if (!inputGradient || !outputGradient) return;
      wideInto(
        context,
        'scaleBy',
        [count * to, GRAIN],
        (begin, end) => [
          outputGradient.pointer + MANTISSA_BYTES * begin,
          scratch.wide + 4 * begin,
          end - begin,
          factor,
        ],
        {
          slot: means,
          size: count * to,
          exponent: outputGradient.exponent - RECIPROCAL_BITS - log,
          width: format.gradientBits,
        },
      );
      inputGradient.exponent = means.exponent;
      machine.graph('spreadWindows', count, 1, (begin, end) => [
        means.pointer + MANTISSA_BYTES * begin * to,
        inputGradient.pointer + MANTISSA_BYTES * begin * from,
        end - begin,
        ...geometry,
      ]);
    },
  };
}

/** A table by mantissa, for inputs at one exponent; rebuilt when that changes, which is seldom. */
function createTable({ machine, format }: Context, of: (m: number, exponent: number) => number) {
  // Raw inputs may be wider than activations of the format.
  const limit = Math.max(255, largest(format.activationBits));
  const pointer = machine.allocate(4 * (2 * limit + 1));
  let view: Int32Array = new Int32Array(0);
  let built: number | undefined;
  return {
    bind() {
      view = machine.int32(pointer, 2 * limit + 1);
    },
    /** The entry of mantissa 0. */
    at(exponent: number): number {
      if (built !== exponent) for (let m = -limit; m <= limit; m++) view[m + limit] = of(m, exponent);
      built = exponent;
      return pointer + 4 * limit;
    },
  };
}

export function createGelu(context: Context, layer: Layer, ports: Ports): Stage {
  const { scratch, format } = context;
  const size = volume(layer.output);
  const values = createTable(context, (m, exponent) => m * lookUp(NORMAL_CDF_Q16, m, exponent));
  const slopes = createTable(context, (m, exponent) => lookUp(GELU_SLOPE_Q16, m, exponent));
  const { input, output, inputGradient, outputGradient } = ports;
  return {
    bind() {
      values.bind();
      slopes.bind();
    },
    forward(count) {
      const table = values.at(input.exponent);
      const to = {
        slot: output,
        size: count * size,
        exponent: input.exponent - 16,
        width: format.activationBits,
      };
      const of: PieceArguments = (begin, end) => [
        input.pointer + MANTISSA_BYTES * begin,
        table,
        scratch.wide + 4 * begin,
        end - begin,
      ];
      wideInto(context, 'lookUp', [count * size, GRAIN], of, to);
    },
    backward(count) {
      if (!inputGradient || !outputGradient) return;
      const table = slopes.at(input.exponent);
      const exponent = outputGradient.exponent - 16;
      const of: PieceArguments = (begin, end) => [
        outputGradient.pointer + MANTISSA_BYTES * begin,
        input.pointer + MANTISSA_BYTES * begin,
        table,
        scratch.wide + 4 * begin,
        end - begin,
      ];
      const to = { slot: inputGradient, size: count * size, exponent, width: format.gradientBits };
      wideInto(context, 'lookUpTimes', [count * size, GRAIN], of, to);
    },
  };
}

/** Dropout of a training session. */
export function createDropout(context: Context, layer: DropoutLayer, ports: Ports): Stage {
  const { scratch, format, step } = context;
  const size = volume(layer.output);
  const factor = keptFactor(layer.rateQ8);
  const run = (count: number, from: Slot, slot: Slot, width: number): void => {
    const key = dropoutKey(step.counter, layer.index) | 0;
    const of: PieceArguments = (begin, end) => [
      from.pointer + MANTISSA_BYTES * begin,
      scratch.wide + 4 * begin,
      end - begin,
      begin,
      key,
      layer.rateQ8,
      factor,
    ];
    const to = { slot, size: count * size, exponent: from.exponent - SCALE_BITS, width };
    wideInto(context, 'dropout', [count * size, GRAIN], of, to);
  };
  const { input, output, inputGradient, outputGradient } = ports;
  return {
    forward: (count) => run(count, input, output, format.activationBits),
    backward(count) {
      if (inputGradient && outputGradient) run(count, outputGradient, inputGradient, format.gradientBits);
    },
  };
}

/** `tokens` are the input's bytes as they came. */
export function createEmbedding(
  context: Context,
  layer: EmbeddingLayer,
  ports: Ports,
  tokens: number,
): Stage {
  const { machine, tensors, format } = context;
  const tensor = tensors[layer.table]!;
  const table = createSlot(machine, tensor.size);
  const [positions, , width] = layer.output;
  const { output, outputGradient } = ports;
  let gradient: Int32Array = new Int32Array(0);
  return {
    bind() {
      gradient = machine.int32(tensor.gradient, outputGradient ? tensor.size : 0);
    },
    prepare: () => narrowTensor(context, tensor, table, format.activationBits),
    forward(count) {
      machine.graph('gatherRows', count * positions, 1, (begin, end) => [
        tokens + begin,
        table.pointer,
        output.pointer + MANTISSA_BYTES * begin * width,
        end - begin,
        width,
      ]);
      output.exponent = table.exponent;
    },
    backward(count) {
      gradient.fill(0);
      machine.single.scatterRows(tokens, outputGradient!.pointer, tensor.gradient, count * positions, width);
      tensor.gradientExponent = outputGradient!.exponent;
    },
  };
}

/** Its input's gradient is its output's. */
export function createPosition(context: Context, layer: PositionLayer, ports: Ports): Stage {
  const { machine, tensors, format } = context;
  const tensor = tensors[layer.table]!;
  const slot = createSlot(machine, tensor.size);
  const size = volume(layer.output);
  const { input, output, outputGradient } = ports;
  return {
    prepare: () => narrowTensor(context, tensor, slot, format.activationBits),
    forward: (count) =>
      addBlocks(context, [input], count * size, output, format.activationBits, { slot, count }),
    backward(count) {
      machine.kernels.columnSums(outputGradient!.pointer, count, size, tensor.gradient);
      tensor.gradientExponent = outputGradient!.exponent;
    },
  };
}
