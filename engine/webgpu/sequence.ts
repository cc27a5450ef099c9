/** Tables of rows and attention on the device. */
import { powerOfTwo } from '../arithmetic/integers.ts';
import { integerRoot } from '../arithmetic/roots.ts';
import { LOG2_E_Q16 } from '../arithmetic/tables.ts';
import { type AttentionLayer, type EmbeddingLayer, type PositionLayer, volume } from '../model.ts';
import { ROOT_BITS, SHARE_BITS } from '../reference/attention.ts';
import { rowGroups } from './program.ts';
import {
  type Context,
  measure,
  narrowInto,
  narrowTensor,
  type Ports,
  type Raw,
  type Slot,
  type Stage,
} from './slots.ts';
import { addBlocksInto } from './stages.ts';
import { columnSums } from './weighted.ts';
import { CAUSAL } from './wgsl/attention.ts';

export function createEmbedding(context: Context, layer: EmbeddingLayer, ports: Ports): Stage {
  const { program, places, format, count, bySample, tensors, shared } = context;
  const size = count * volume(layer.output);
  const width = layer.output[2];
  const table = narrowTensor(context, layer.table, format.activationBits);
  return {
    forward: () =>
      program.call(
        'embed',
        [size, width, size / count, bySample ? 1 : 0, table.exponent, ports.output.exponent],
        [shared.bytes, table.buffer, ports.output.buffer, places.exponents],
      ),
    backward() {
      const [from, to] = [ports.outputGradient!, tensors[layer.table]!.gradient!];
      program.clear(to.buffer);
      program.call(
        'embedGradient',
        [size, width, from.exponent, to.exponent],
        [shared.bytes, from.buffer, to.buffer, places.exponents],
      );
    },
  };
}

export function createPosition(context: Context, layer: PositionLayer, ports: Ports): Stage {
  const { format, count, tensors } = context;
  const period = volume(layer.output);
  const table = narrowTensor(context, layer.table, format.activationBits);
  return {
    forward: () =>
      addBlocksInto(context, [ports.inputs[0]!, table], ports.output, count * period, format.activationBits, {
        period,
      }),
    backward: () =>
      columnSums(context, ports.outputGradient!, count, period, tensors[layer.table]!.gradient!),
  };
}

/** Elements of all heads' squares of positions by positions. */
export const squareOf = (layer: AttentionLayer, count: number): number =>
  count * layer.heads * layer.input[0] ** 2;

/** Where rows of one head lie in a buffer: elements from the start, and by sample, head, row and column. */
interface Layout {
  readonly start: number;
  readonly sample: number;
  readonly head: number;
  readonly row: number;
  readonly column: number;
}

const turned = (layout: Layout): Layout => ({ ...layout, row: layout.column, column: layout.row });
const listed = ({ start, sample, head, row, column }: Layout): number[] => [start, sample, head, row, column];

interface Operand {
  readonly slot: Slot;
  readonly layout: Layout;
}

interface HeadProduct {
  readonly rows: number;
  readonly columns: number;
  readonly terms: number;
  readonly causal: number;
  readonly factor?: number;
  /** Places whose exponents add up to the result's, with the shift. */
  readonly places: readonly [number, number];
  readonly shift: number;
}

interface Plan {
  readonly length: number;
  readonly width: number;
  readonly square: Layout;
  readonly out: Layout;
  /** Queries, keys and values. */
  readonly parts: readonly [Layout, Layout, Layout];
}

function planOf({ input, output, heads }: AttentionLayer): Plan {
  const [length, channels] = [input[0], output[2]];
  const width = channels / heads;
  const rows = { head: width, column: 1 };
  const part = (n: number): Layout => ({
    ...rows,
    start: n * channels,
    sample: 3 * length * channels,
    row: 3 * channels,
  });
  const [head, sample] = [length * length, heads * length * length];
  return {
    length,
    width,
    square: { start: 0, sample, head, row: length, column: 1 },
    out: { ...rows, start: 0, sample: length * channels, row: channels },
    parts: [part(0), part(1), part(2)],
  };
}

/** Products of all heads; no sum has more than 512 terms, so nothing is folded. */
function headProduct(
  context: Context,
  layer: AttentionLayer,
  product: HeadProduct,
  [a, b, to]: readonly [Operand, Operand, Layout],
  given?: Raw,
): Raw {
  const { rows, columns, terms, causal, factor = 0, places, shift } = product;
  const skips = layer.causal ? causal : CAUSAL.no;
  const layouts = [a.layout, b.layout, to].flatMap(listed);
  const size = context.count * layer.heads * rows * columns;
  const fields = [layer.heads, rows, columns, terms, skips, factor, ...places, shift, ...layouts];
  return measure(context, 'headProduct', size, fields, [a.slot.buffer, b.slot.buffer], given);
}

function createForward(context: Context, layer: AttentionLayer, ports: Ports, plan: Plan, shares: Slot) {
  const { program, places, format, count, bySample, shared } = context;
  const { length, width, square, out, parts } = plan;
  const input = ports.inputs[0]!;
  const operand = (part: Layout): Operand => ({ slot: input, layout: part });
  const rows = count * layer.heads * length;
  const factor = integerRoot(Math.floor((LOG2_E_Q16 * LOG2_E_Q16) / width));
  return (): void => {
    const scores = headProduct(
      context,
      layer,
      {
        ...{ rows: length, columns: length, terms: width, causal: CAUSAL.results },
        ...{ places: [input.exponent, input.exponent], shift: 0 },
      },
      [operand(parts[0]), operand(turned(parts[1])), square],
    );
    const of = [scores.slot.exponent, rows / count, bySample ? 1 : 0, factor];
    program.call(
      'shares',
      [rows, length, layer.causal ? 1 : 0, ...of],
      [scores.slot.buffer, shared.tables, places.exponents, shares.buffer],
      rowGroups(rows),
    );
    const mixed = headProduct(
      context,
      layer,
      {
        ...{ rows: length, columns: width, terms: length, causal: CAUSAL.before },
        ...{ places: [input.exponent, -1], shift: -SHARE_BITS },
      },
      [{ slot: shares, layout: square }, operand(parts[2]), out],
    );
    narrowInto(context, mixed, ports.output, count * volume(layer.output), format.activationBits);
  };
}

/** Gradients of the scores, narrowed, in scratch space. */
function scoreGradients(
  context: Context,
  layer: AttentionLayer,
  ports: Ports,
  plan: Plan,
  shares: Slot,
): Slot {
  const { program, places, scratch, format, count } = context;
  const { length, width, square, out, parts } = plan;
  const [input, gradient] = [ports.inputs[0]!, ports.outputGradient!];
  const size = squareOf(layer, count);
  const raw = headProduct(
    context,
    layer,
    {
      ...{ rows: length, columns: length, terms: width, causal: CAUSAL.results },
      ...{ places: [gradient.exponent, input.exponent], shift: 0 },
    },
    [{ slot: gradient, layout: out }, { slot: input, layout: turned(parts[2]) }, square],
  );
  const ofShares = { buffer: scratch.masked, exponent: places.take() };
  narrowInto(context, raw, ofShares, size, format.gradientBits);
  const rows = count * layer.heads * length;
  const wide = { slot: { buffer: scratch.wide, exponent: places.take() }, magnitude: places.take() };
  program.call(
    'scoreGradients',
    [rows, length, ofShares.exponent, wide.slot.exponent, wide.magnitude],
    [shares.buffer, ofShares.buffer, places.exponents, wide.slot.buffer, places.magnitudes],
    rowGroups(rows),
  );
  const scores = { buffer: scratch.scores, exponent: places.take() };
  narrowInto(context, wide, scores, size, format.gradientBits);
  return scores;
}

function createBackward(context: Context, layer: AttentionLayer, ports: Ports, plan: Plan, shares: Slot) {
  const { program, places, scratch, format, count } = context;
  const { length, width, square, out, parts } = plan;
  const [input, gradient] = [ports.inputs[0]!, ports.outputGradient!];
  const factor = integerRoot(Math.floor(powerOfTwo(2 * ROOT_BITS) / width));
  const to = ports.inputGradient!;
  const raw = (): Raw => ({
    slot: { buffer: scratch.wide, exponent: places.take() },
    magnitude: places.take(),
  });
  return (): void => {
    const scores = scoreGradients(context, layer, ports, plan, shares);
    const sizes = { rows: length, columns: width, terms: length };
    const [a, b] = [raw(), raw()];
    const ofScores = { ...sizes, factor, places: [scores.exponent, input.exponent], shift: 0 } as const;
    const query = { ...ofScores, causal: CAUSAL.before };
    const key = { ...ofScores, causal: CAUSAL.after };
    const value = {
      ...sizes,
      causal: CAUSAL.after,
      places: [gradient.exponent, -1],
      shift: -SHARE_BITS,
    } as const;
    const of = (layout: Layout): Operand => ({ slot: input, layout });
    headProduct(context, layer, query, [{ slot: scores, layout: square }, of(parts[1]), parts[0]], a);
    headProduct(context, layer, key, [{ slot: scores, layout: turned(square) }, of(parts[0]), parts[1]], a);
    const mixed = [
      { slot: shares, layout: turned(square) },
      { slot: gradient, layout: out },
    ] as const;
    headProduct(context, layer, value, [...mixed, parts[2]], b);
    program.call(
      'narrowParts',
      [
        ...[count * volume(layer.input), layer.output[2], format.gradientBits],
        ...[a.slot.exponent, a.magnitude, b.slot.exponent, b.magnitude, to.exponent],
      ],
      [scratch.wide, to.buffer, places.exponents, places.magnitudes],
    );
  };
}

export function createAttention(context: Context, layer: AttentionLayer, ports: Ports): Stage {
  const plan = planOf(layer);
  const shares = { buffer: context.program.buffer(squareOf(layer, context.count)), exponent: -1 };
  return {
    forward: createForward(context, layer, ports, plan, shares),
    backward() {
      if (ports.inputGradient) createBackward(context, layer, ports, plan, shares)();
    },
  };
}
