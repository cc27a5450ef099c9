/** Layers that images and vectors pass through one by one: products, pooling, means, ReLU, GELU, dropout, sums. */
import { GELU_SLOPE_Q16, NORMAL_CDF_Q16 } from '../arithmetic/layers.tables.ts';
import type { AverageLayer, ConvLayer, DenseLayer, DropoutLayer, PoolLayer } from '../model.ts';
import { volume } from '../model.ts';
import { reciprocal } from '../reference/average.ts';
import { keptFactor } from '../reference/dropout.ts';
import {
  type Context,
  measure,
  narrowInto,
  narrowTensor,
  type Ports,
  type Slot,
  type Stage,
} from './slots.ts';
import { createWeighted } from './weighted.ts';
import { MAX_TERMS } from './wgsl/graph.ts';
import { STEP_WORDS } from './wgsl/optimise.ts';

const mask = ({ program }: Context, gradient: Slot, output: Slot, to: Slot, size: number): void =>
  program.call('mask', [size], [gradient.buffer, output.buffer, to.buffer]);

/** A gradient whose layer has ReLU is masked into scratch space first. */
export function createWeightedStage(context: Context, layer: DenseLayer | ConvLayer, ports: Ports): Stage {
  const { format, places, scratch, count } = context;
  const { inputs, output, inputGradient, outputGradient, last } = ports;
  const kernel = narrowTensor(context, layer.kernel, format.weightBits);
  const weighted = createWeighted(context, layer, kernel);
  const [before, after] = [count * volume(layer.input), count * volume(layer.output)];
  return {
    forward() {
      const slot = { buffer: scratch.wide, exponent: last ? output.exponent : places.take() };
      const magnitude = weighted.forward(inputs[0]!, slot);
      if (!last) narrowInto(context, { slot, magnitude }, output, after, format.activationBits);
    },
    backward() {
      let gradient = outputGradient!;
      if (layer.relu) {
        const masked = { buffer: scratch.masked, exponent: gradient.exponent };
        mask(context, gradient, output, masked, after);
        gradient = masked;
      }
      weighted.gradients(inputs[0]!, gradient);
      if (!inputGradient) return;
      const slot = { buffer: scratch.wide, exponent: places.take() };
      const magnitude = weighted.backward(gradient, slot);
      narrowInto(context, { slot, magnitude }, inputGradient, before, format.gradientBits);
    },
  };
}

export function createPool({ program, count }: Context, layer: PoolLayer, ports: Ports): Stage {
  const { input, output, size } = layer;
  const winners = program.buffer(count * volume(output));
  const shape = [...input, output[0], output[1], ...size];
  return {
    forward: () =>
      program.call(
        'poolForward',
        [count * volume(output), ...shape],
        [ports.inputs[0]!.buffer, ports.output.buffer, winners],
      ),
    backward() {
      if (!ports.inputGradient) return;
      program.call(
        'poolBackward',
        [count * volume(input), ...shape],
        [ports.outputGradient!.buffer, winners, ports.inputGradient.buffer],
      );
    },
  };
}

export function createRelu(context: Context, size: number, ports: Ports): Stage {
  const { inputs, output, inputGradient, outputGradient } = ports;
  return {
    forward: () => context.program.call('relu', [size], [inputs[0]!.buffer, output.buffer]),
    backward() {
      if (inputGradient) mask(context, outputGradient!, output, inputGradient, size);
    },
  };
}

export function createAverage(context: Context, layer: AverageLayer, ports: Ports): Stage {
  const { format, count } = context;
  const { input, output, size } = layer;
  const { factor, log } = reciprocal(size[0] * size[1]);
  const shape = [factor, log, ...input, output[0], output[1], ...size];
  return {
    forward() {
      const [from, elements] = [ports.inputs[0]!, count * volume(output)];
      const raw = measure(context, 'averageForward', elements, [from.exponent, ...shape], [from.buffer]);
      narrowInto(context, raw, ports.output, elements, format.activationBits);
    },
    backward() {
      if (!ports.inputGradient) return;
      const [from, elements] = [ports.outputGradient!, count * volume(input)];
      const raw = measure(context, 'averageBackward', elements, [from.exponent, ...shape], [from.buffer]);
      narrowInto(context, raw, ports.inputGradient, elements, format.gradientBits);
    },
  };
}

export function createGelu(context: Context, size: number, ports: Ports): Stage {
  const { program, format } = context;
  const { output, inputGradient, outputGradient } = ports;
  const x = ports.inputs[0]!;
  const run = (of: Slot, to: Slot, table: readonly number[], bits: number): void => {
    const buffers = [of.buffer, x.buffer, program.filled(Int32Array.from(table))];
    const raw = measure(context, 'gelu', size, [of.exponent, x.exponent], buffers);
    narrowInto(context, raw, to, size, bits);
  };
  return {
    forward: () => run(x, output, NORMAL_CDF_Q16, format.activationBits),
    backward() {
      if (inputGradient) run(outputGradient!, inputGradient, GELU_SLOPE_Q16, format.gradientBits);
    },
  };
}

/** Of training alone: a prediction drops nothing. */
export function createDropout(context: Context, layer: DropoutLayer, ports: Ports): Stage {
  const { format, count, shared } = context;
  const { index, rateQ8 } = layer;
  const size = count * volume(layer.output);
  const run = (from: Slot, to: Slot, bits: number): void => {
    const fields = [from.exponent, STEP_WORDS.first + index, rateQ8, keptFactor(rateQ8)];
    const raw = measure(context, 'dropout', size, fields, [from.buffer, shared.words]);
    narrowInto(context, raw, to, size, bits);
  };
  return {
    forward: () => run(ports.inputs[0]!, ports.output, format.activationBits),
    backward() {
      if (ports.inputGradient) run(ports.outputGradient!, ports.inputGradient, format.gradientBits);
    },
  };
}

/** The second of two blocks may be a table that begins anew with each sample and has one exponent for all. */
export interface Repeated {
  readonly period: number;
}

/** The sum of up to 16 blocks, two at a call. */
export function addBlocksInto(
  context: Context,
  blocks: readonly Slot[],
  to: Slot,
  size: number,
  bits: number,
  repeated?: Repeated,
): void {
  const { places, scratch } = context;
  const all = blocks.map(({ exponent }) => exponent);
  const padded = [...all, ...new Array<number>(MAX_TERMS - all.length).fill(0)];
  const slot = { buffer: scratch.wide, exponent: places.take() };
  for (let first = 0; first < blocks.length; first += 2) {
    const [a, b] = [blocks[first]!, blocks[first + 1]];
    const raw = { slot, magnitude: places.take() };
    const fields = [
      ...[first === 0 ? 1 : 0, blocks.length, a.exponent, b?.exponent ?? 0, b ? 1 : 0],
      ...[repeated?.period ?? size, repeated ? 1 : 0, ...padded],
    ];
    measure(context, 'sum', size, fields, [a.buffer, b?.buffer ?? scratch.nothing], raw);
    if (first + 2 >= blocks.length) narrowInto(context, raw, to, size, bits);
  }
}

export const createAdd = (context: Context, size: number, { inputs, output }: Ports): Stage => ({
  forward: () => addBlocksInto(context, inputs, output, size, context.format.activationBits),
});
