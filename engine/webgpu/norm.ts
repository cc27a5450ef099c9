/** Layer and batch normalisation on the device: statistics, roots and gradients stay there. */
import { largest } from '../arithmetic/format.ts';
import { foldShift } from '../arithmetic/integers.ts';
import { type NormLayer, volume } from '../model.ts';
import {
  type Context,
  measure,
  narrowInto,
  narrowTensor,
  type Ports,
  type Slot,
  type Stage,
} from './slots.ts';
import { GROUP } from './wgsl/integers.ts';
import { GROUP_SLICE, SLOPE_WORDS, STATISTIC_WORDS, SUM_WORDS } from './wgsl/norm.ts';

interface Shape {
  readonly channels: number;
  /** Positions of the batch. */
  readonly rows: number;
  readonly size: number;
  /** Groups are positions, else channels. */
  readonly byRow: boolean;
}

const shapeOf = (layer: NormLayer, count: number): Shape => {
  const [size, channels] = [count * volume(layer.output), layer.output[2]];
  return { channels, rows: size / channels, size, byRow: layer.kind === 'layerNorm' };
};

/** Words of scratch space that the groups' sums take. */
export const groupWords = (layer: NormLayer, count: number): number =>
  SUM_WORDS * Math.max(layer.output[2], shapeOf(layer, count).rows);

/** Sums of a and of a · b of each position or of each channel, in scratch space. */
function sumGroups(context: Context, a: Slot, b: Slot, { channels, rows }: Shape, byRow: boolean): void {
  const { program, scratch } = context;
  const [groups, terms] = byRow ? [rows, channels] : [channels, rows];
  program.clear(scratch.groups);
  program.call(
    'groupSums',
    [groups, terms, byRow ? channels : 1, byRow ? 1 : channels, GROUP_SLICE],
    [a.buffer, b.buffer, scratch.groups],
    [Math.ceil(groups / GROUP), Math.ceil(terms / GROUP_SLICE)],
  );
}

/** What forward and backward pass of one layer share. */
interface Room {
  readonly shape: Shape;
  readonly units: Slot;
  readonly gamma: Slot;
  /** Mean, variance and root of each group. */
  readonly statistics: GPUBuffer;
}

/** x̂ of a training batch, or of layer normalisation always. */
function normalise(
  context: Context,
  layer: NormLayer,
  { shape, units, statistics }: Room,
  input: Slot,
): void {
  const { program, places, scratch, format, count, bySample } = context;
  const { channels, rows, size, byRow } = shape;
  const [groups, terms] = byRow ? [rows, channels] : [channels, rows];
  sumGroups(context, input, input, shape, byRow);
  program.call(
    'statistics',
    [groups, terms, layer.epsilonShift, input.exponent, bySample ? groups / count : groups],
    [scratch.groups, places.exponents, statistics],
  );
  const raw = measure(context, 'normalise', size, [channels, byRow ? 1 : 0], [input.buffer, statistics]);
  narrowInto(context, raw, units, size, format.activationBits);
}

/** x̂ of a prediction by batch normalisation, from moving statistics. */
function normaliseMoving(
  context: Context,
  layer: NormLayer,
  { shape, units, statistics }: Room,
  input: Slot,
) {
  const { program, tensors, format } = context;
  const [mean, variance] = [tensors[layer.mean]!.weight, tensors[layer.mean + 1]!.weight];
  program.call('movingStatistics', [shape.channels, layer.epsilonShift], [mean, variance, statistics]);
  const fields = [shape.channels, 0, input.exponent];
  const raw = measure(context, 'normaliseMoving', shape.size, fields, [input.buffer, statistics]);
  narrowInto(context, raw, units, shape.size, format.activationBits);
}

function scaleOffset(context: Context, { shape, gamma }: Room, from: Slot, offset: GPUBuffer | undefined) {
  const fields = [from.exponent, gamma.exponent, shape.channels, offset ? 1 : 0];
  const buffers = [from.buffer, gamma.buffer, offset ?? context.scratch.nothing];
  return measure(context, 'scaleOffset', shape.size, fields, buffers);
}

/** Gradients of scale and offset. */
function tensorGradients(context: Context, layer: NormLayer, { shape, units }: Room, gradient: Slot): void {
  const { program, places, scratch, format, tensors } = context;
  const [gamma, beta] = [tensors[layer.gamma]!.gradient!, tensors[layer.beta]!.gradient!];
  const fold = foldShift(shape.rows, largest(format.gradientBits), largest(format.activationBits));
  sumGroups(context, gradient, units, shape, false);
  program.call(
    'scaleGradients',
    [shape.channels, fold, gradient.exponent, units.exponent, gamma.exponent, beta.exponent],
    [scratch.groups, gamma.buffer, beta.buffer, places.exponents],
  );
}

function inputGradient(context: Context, room: Room, input: Slot, gradient: Slot, to: Slot): void {
  const { program, places, scratch, format } = context;
  const { shape, units, statistics } = room;
  const { channels, rows, size, byRow } = shape;
  const h = { buffer: scratch.masked, exponent: places.take() };
  narrowInto(context, scaleOffset(context, room, gradient, undefined), h, size, format.gradientBits);
  sumGroups(context, h, units, shape, byRow);
  const [groups, terms] = byRow ? [rows, channels] : [channels, rows];
  const slopes = program.buffer(SLOPE_WORDS * groups);
  program.call('slopes', [groups, terms], [scratch.groups, slopes]);
  const fields = [channels, byRow ? 1 : 0, h.exponent, units.exponent, input.exponent];
  const buffers = [h.buffer, units.buffer, statistics, slopes];
  const raw = measure(context, 'normBackward', size, fields, buffers);
  narrowInto(context, raw, to, size, format.gradientBits);
}

export function createNorm(context: Context, layer: NormLayer, ports: Ports, training: boolean): Stage {
  const { program, places, format, count, tensors } = context;
  const shape = shapeOf(layer, count);
  const { channels, rows, size, byRow } = shape;
  const room: Room = {
    shape,
    units: { buffer: program.buffer(size), exponent: places.take() },
    gamma: narrowTensor(context, layer.gamma, format.weightBits),
    statistics: program.buffer(STATISTIC_WORDS * (byRow ? rows : channels)),
  };
  const input = ports.inputs[0]!;
  const batch = layer.kind === 'batchNorm';
  return {
    forward() {
      if (batch && !training) normaliseMoving(context, layer, room, input);
      else normalise(context, layer, room, input);
      const raw = scaleOffset(context, room, room.units, tensors[layer.beta]!.weight);
      narrowInto(context, raw, ports.output, size, format.activationBits);
    },
    backward() {
      const gradient = ports.outputGradient!;
      tensorGradients(context, layer, room, gradient);
      if (ports.inputGradient) inputGradient(context, room, input, gradient, ports.inputGradient);
    },
    settle() {
      if (!batch) return;
      const [mean, variance] = [tensors[layer.mean]!.weight, tensors[layer.mean + 1]!.weight];
      program.call(
        'moveStatistics',
        [channels, layer.momentumShift, input.exponent],
        [room.statistics, places.exponents, mean, variance],
      );
    },
  };
}
