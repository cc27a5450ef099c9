/** Layer and batch normalisation on a WebAssembly session: the same bits as engine/reference/norm.ts. */
import { largest } from '../arithmetic/format.ts';
import {
  bitLength,
  foldShift,
  MASTER_EXPONENT,
  powerOfTwo,
  rescale,
  roundShift,
} from '../arithmetic/integers.ts';
import { reciprocalRoot } from '../arithmetic/roots.ts';
import { type NormLayer, volume } from '../model.ts';
import { epsilonAt, GRADIENT_MEAN_BITS, MEAN_BITS, UNIT_BITS } from '../reference/norm.ts';
import {
  type Context,
  createBiasRow,
  createSlot,
  MANTISSA_BYTES,
  narrowInto,
  narrowTensor,
  type Ports,
  roundUp,
  type Slot,
  type Stage,
} from './stage.ts';

/** Mean, variance and root of a group, doubles. */
const STATISTICS_BYTES = 24;
/** Mean of h and of h · x̂, doubles. */
const SLOPES_BYTES = 16;

interface Shape {
  readonly channels: number;
  /** Positions of one sample. */
  readonly positions: number;
  readonly byRow: boolean;
}

const shapeOf = (layer: NormLayer): Shape => ({
  channels: layer.output[2],
  positions: volume(layer.output) / layer.output[2],
  byRow: layer.kind === 'layerNorm',
});

/** Memory that forward and backward pass share. */
function createRoom(
  { machine, capacity }: Context,
  { channels, positions, byRow }: Shape,
  training: boolean,
) {
  const groups = byRow ? capacity * positions : channels;
  const size = capacity * positions * channels;
  return {
    units: createSlot(machine, size),
    h: createSlot(machine, training ? size : 0),
    gamma: createSlot(machine, channels),
    statistics: machine.allocate(STATISTICS_BYTES * groups),
    slopes: machine.allocate(training ? SLOPES_BYTES * groups : 0),
    sums: machine.allocate(4 * roundUp(channels, 8)),
    dots: machine.allocate(8 * roundUp(channels, 8)),
  };
}
type Room = ReturnType<typeof createRoom>;

/** Sums over rows of a · b by channel, into the room's int64. */
const dotColumns = ({ machine }: Context, a: Slot, b: Slot, rows: number, channels: number, to: number) =>
  machine.graph('columnDots', channels, 8, (begin, end) => [
    a.pointer + MANTISSA_BYTES * begin,
    b.pointer + MANTISSA_BYTES * begin,
    rows,
    channels,
    end - begin,
    to + 8 * begin,
  ]);

/** ε as a power of two in units of the variance; negative where it is none. */
function epsilonLog(layer: NormLayer, exponent: number): number {
  const epsilon = epsilonAt(layer.epsilonShift, 2 * (exponent - MEAN_BITS));
  return bitLength(epsilon) - 1;
}

/** x̂ of a training batch, or of layer normalisation always. */
function normalise(context: Context, layer: NormLayer, shape: Shape, room: Room, input: Slot, count: number) {
  const { machine, scratch, format } = context;
  const { channels, byRow } = shape;
  const rows = count * shape.positions;
  const epsilon = epsilonLog(layer, input.exponent);
  if (byRow) {
    machine.graph('rowStatistics', rows, 1, (begin, end) => [
      input.pointer + MANTISSA_BYTES * begin * channels,
      end - begin,
      channels,
      epsilon,
      room.statistics + STATISTICS_BYTES * begin,
    ]);
  } else {
    machine.kernels.columnSums(input.pointer, rows, channels, room.sums);
    dotColumns(context, input, input, rows, channels, room.dots);
    machine.single.channelStatistics(room.sums, room.dots, channels, rows, epsilon, room.statistics);
  }
  const bits = machine.graph('normalise', rows, 1, (begin, end) => [
    input.pointer + MANTISSA_BYTES * begin * channels,
    scratch.wide + 4 * begin * channels,
    end - begin,
    channels,
    room.statistics + (byRow ? STATISTICS_BYTES * begin : 0),
    byRow ? 1 : 0,
  ]);
  narrowInto(machine, scratch.wide, room.units, rows * channels, bits, -UNIT_BITS, format.activationBits);
}

/** x̂ of a prediction by batch normalisation, from moving statistics. */
function createMoving(context: Context, layer: NormLayer, { channels, positions }: Shape, room: Room) {
  const { machine, scratch, format, tensors } = context;
  const factors = machine.allocate(8 * channels);
  const [mean, variance] = [tensors[layer.mean], tensors[layer.mean + 1]];
  let view: Float64Array = new Float64Array(0);
  let variances: Int32Array = new Int32Array(0);
  return {
    bind() {
      view = machine.doubles(factors, channels);
      if (variance) variances = machine.int32(variance.weight, channels);
    },
    prepare() {
      const epsilon = epsilonAt(layer.epsilonShift, MASTER_EXPONENT);
      variances.forEach((value, c) => {
        const { scale, shift } = reciprocalRoot(Math.max(1, value + epsilon));
        // 1 / σ is scale · 2^(12 − shift), as the variance is at 2^−24; doubles hold both factors.
        view[c] = scale / powerOfTwo(shift - 12 - MASTER_EXPONENT - UNIT_BITS);
      });
    },
    run(input: Slot, count: number) {
      const rows = count * positions;
      const bits = machine.graph('normaliseMoving', rows, 1, (begin, end) => [
        input.pointer + MANTISSA_BYTES * begin * channels,
        scratch.wide + 4 * begin * channels,
        end - begin,
        channels,
        mean!.weight,
        factors,
        MASTER_EXPONENT - input.exponent,
      ]);
      narrowInto(machine, scratch.wide, room.units, rows * channels, bits, -UNIT_BITS, format.activationBits);
    },
  };
}

/** Gradients of scale and offset, and h = narrow(g · γ). */
function scaleGradients(context: Context, layer: NormLayer, shape: Shape, room: Room, g: Slot, rows: number) {
  const { machine, scratch, format, tensors } = context;
  const { channels } = shape;
  const [gamma, beta] = [tensors[layer.gamma]!, tensors[layer.beta]!];
  const fold = foldShift(rows, largest(format.gradientBits), largest(format.activationBits));
  dotColumns(context, g, room.units, rows, channels, room.dots);
  machine.kernels.foldSums(room.dots, 1, channels, channels, fold, gamma.gradient);
  gamma.gradientExponent = g.exponent + room.units.exponent + fold;
  machine.kernels.columnSums(g.pointer, rows, channels, beta.gradient);
  beta.gradientExponent = g.exponent;
  const bits = machine.graph('scaleOffset', rows, 1, (begin, end) => [
    g.pointer + MANTISSA_BYTES * begin * channels,
    room.gamma.pointer,
    scratch.zero,
    scratch.wide + 4 * begin * channels,
    end - begin,
    channels,
  ]);
  const exponent = g.exponent + room.gamma.exponent;
  narrowInto(machine, scratch.wide, room.h, rows * channels, bits, exponent, format.gradientBits);
}

function inputGradient(context: Context, shape: Shape, room: Room, input: Slot, to: Slot, rows: number) {
  const { machine, scratch, format } = context;
  const { channels, byRow } = shape;
  const { h, units } = room;
  if (byRow) {
    machine.graph('rowSlopes', rows, 1, (begin, end) => [
      h.pointer + MANTISSA_BYTES * begin * channels,
      units.pointer + MANTISSA_BYTES * begin * channels,
      end - begin,
      channels,
      room.slopes + SLOPES_BYTES * begin,
    ]);
  } else {
    machine.kernels.columnSums(h.pointer, rows, channels, room.sums);
    dotColumns(context, h, units, rows, channels, room.dots);
    machine.single.channelSlopes(room.sums, room.dots, channels, rows, room.slopes);
  }
  const bits = machine.graph('normBackward', rows, 1, (begin, end) => [
    h.pointer + MANTISSA_BYTES * begin * channels,
    units.pointer + MANTISSA_BYTES * begin * channels,
    scratch.wide + 4 * begin * channels,
    end - begin,
    channels,
    room.statistics + (byRow ? STATISTICS_BYTES * begin : 0),
    room.slopes + (byRow ? SLOPES_BYTES * begin : 0),
    byRow ? 1 : 0,
    -2 * units.exponent - GRADIENT_MEAN_BITS,
  ]);
  const exponent = h.exponent - GRADIENT_MEAN_BITS - UNIT_BITS + MEAN_BITS - input.exponent;
  narrowInto(machine, scratch.wide, to, rows * channels, bits, exponent, format.gradientBits);
}

/** Moves the moving statistics by those of the batch. */
function createStatistics({ machine, tensors }: Context, layer: NormLayer, { channels }: Shape, room: Room) {
  let batch: Float64Array = new Float64Array(0);
  let moving: Int32Array[] = [];
  const move = (value: number, target: number): number =>
    value + roundShift(target - value, layer.momentumShift);
  return {
    bind() {
      batch = machine.doubles(room.statistics, 3 * channels);
      moving = [0, 1].map((i) => machine.int32(tensors[layer.mean + i]!.weight, channels));
    },
    settle(exponent: number) {
      const [means, variances] = moving as [Int32Array, Int32Array];
      const at = exponent - MEAN_BITS;
      for (let c = 0; c < channels; c++) {
        means[c] = move(means[c]!, rescale(batch[3 * c]!, MASTER_EXPONENT - at));
        variances[c] = move(variances[c]!, rescale(batch[3 * c + 1]!, MASTER_EXPONENT - 2 * at));
      }
    },
  };
}

export function createNorm(context: Context, layer: NormLayer, ports: Ports, training: boolean): Stage {
  const { machine, scratch, format, tensors } = context;
  const shape = shapeOf(layer);
  const room = createRoom(context, shape, training);
  const offset = createBiasRow(context, tensors[layer.beta]!);
  const batch = layer.kind === 'batchNorm';
  const moving = batch && !training ? createMoving(context, layer, shape, room) : undefined;
  const statistics = batch && training ? createStatistics(context, layer, shape, room) : undefined;
  const { input, output, inputGradient: back, outputGradient } = ports;
  const { channels } = shape;
  return {
    bind() {
      offset.bind();
      moving?.bind();
      statistics?.bind();
    },
    prepare() {
      narrowTensor(context, tensors[layer.gamma]!, room.gamma);
      moving?.prepare();
    },
    forward(count) {
      if (moving) moving.run(input, count);
      else normalise(context, layer, shape, room, input, count);
      const rows = count * shape.positions;
      const exponent = room.units.exponent + room.gamma.exponent;
      const row = offset.fill(exponent);
      const bits = machine.graph('scaleOffset', rows, 1, (begin, end) => [
        room.units.pointer + MANTISSA_BYTES * begin * channels,
        room.gamma.pointer,
        row,
        scratch.wide + 4 * begin * channels,
        end - begin,
        channels,
      ]);
      narrowInto(machine, scratch.wide, output, rows * channels, bits, exponent, format.activationBits);
    },
    backward(count) {
      const rows = count * shape.positions;
      scaleGradients(context, layer, shape, room, outputGradient!, rows);
      if (back) inputGradient(context, shape, room, input, back, rows);
    },
    settle: () => statistics?.settle(input.exponent),
  };
}
