/** Attention on a WebAssembly session, head by head: the same bits as engine/reference/attention.ts. Owns no softmax. */
import { largest } from '../arithmetic/format.ts';
import { bitLength, powerOfTwo } from '../arithmetic/integers.ts';
import { integerRoot } from '../arithmetic/roots.ts';
import { LOG2_E_Q16 } from '../arithmetic/tables.ts';
import { type AttentionLayer, volume } from '../model.ts';
import { ROOT_BITS, SHARE_BITS } from '../reference/attention.ts';
import type { GraphKernel } from './machine.ts';
import {
  type Context,
  createSlot,
  MANTISSA_BYTES,
  narrowInto,
  type Ports,
  type Slot,
  type Stage,
} from './stage.ts';

/** No sum has more than 512 terms of 11 bits, so nothing is folded. */
interface Plan {
  readonly heads: number;
  readonly length: number;
  readonly channels: number;
  readonly width: number;
  readonly square: number;
  readonly causal: number;
}

const planOf = (layer: AttentionLayer): Plan => {
  const [length, , channels] = [layer.input[0], 1, layer.output[2]];
  const { heads } = layer;
  return {
    heads,
    length,
    channels,
    width: channels / heads,
    square: length * length,
    causal: layer.causal ? 1 : 0,
  };
};

function createBackward(context: Context, plan: Plan, shares: number, scratch: Scratch, ports: Ports) {
  const { machine, format, capacity } = context;
  const { wide } = context.scratch;
  const { heads, length, channels, square, causal } = plan;
  const cells = capacity * heads * square;
  const ofShares = createSlot(machine, cells);
  const scores = createSlot(machine, cells);
  const factor = integerRoot(Math.floor(powerOfTwo(2 * ROOT_BITS) / plan.width));
  const shape = [heads, length, channels] as const;
  const { input } = ports;
  const byHead = (kernel: GraphKernel, count: number, of: (room: number) => readonly [number[], number[]]) =>
    machine.graph(kernel, count * heads, 1, (begin, end, piece) => {
      const [from, more] = of(scratch.at(piece));
      return [...from, begin, end, ...shape, ...more];
    });
  return (count: number, gradient: Slot, to: Slot): void => {
    const n = count * heads * square;
    const shareBits = byHead('shareGradients', count, (room) => [
      [input.pointer, gradient.pointer, wide],
      [causal, room],
    ]);
    const shareExponent = gradient.exponent + input.exponent;
    narrowInto(machine, wide, ofShares, n, shareBits, shareExponent, format.gradientBits);
    const scoreBits = machine.graph('scoreGradients', count * heads * length, 1, (begin, end) => [
      shares + MANTISSA_BYTES * begin * length,
      ofShares.pointer + MANTISSA_BYTES * begin * length,
      wide + 4 * begin * length,
      end - begin,
      length,
    ]);
    narrowInto(machine, wide, scores, n, scoreBits, ofShares.exponent - SHARE_BITS, format.gradientBits);
    const a = byHead('scoreProducts', count, (room) => [
      [input.pointer, scores.pointer, wide],
      [factor, room],
    ]);
    const b = byHead('shareProducts', count, (room) => [[gradient.pointer, shares, wide], [room]]);
    const exponents = [scores.exponent + input.exponent, gradient.exponent - SHARE_BITS] as const;
    const excess = (bits: number): number => Math.max(0, bitLength(bits) - format.gradientBits);
    to.exponent = Math.max(exponents[0] + excess(a), exponents[1] + excess(b));
    machine.graph('narrowParts', count * length, 1, (begin, end) => [
      wide + 12 * begin * channels,
      to.pointer + 3 * MANTISSA_BYTES * begin * channels,
      end - begin,
      channels,
      to.exponent - exponents[0],
      to.exponent - exponents[1],
      largest(format.gradientBits),
    ]);
  };
}

interface Scratch {
  at(piece: number): number;
}

/** `tables` are the softmax's. */
export function createAttention(
  context: Context,
  layer: AttentionLayer,
  ports: Ports,
  tables: number,
): Stage {
  const { machine, format, capacity } = context;
  const { wide } = context.scratch;
  const plan = planOf(layer);
  const { heads, length, channels, width, square, causal } = plan;
  const bytes = machine.single.attentionScratch(length, width);
  const room = machine.allocate(bytes * machine.pieces);
  const scratch: Scratch = { at: (piece) => room + bytes * piece };
  const shares = machine.allocate(MANTISSA_BYTES * capacity * heads * square);
  const factor = integerRoot(Math.floor((LOG2_E_Q16 * LOG2_E_Q16) / width));
  const { input, output, inputGradient, outputGradient } = ports;
  const back = outputGradient && createBackward(context, plan, shares, scratch, ports);
  return {
    forward(count) {
      const bits = machine.graph('attentionForward', count * heads, 1, (begin, end, piece) => [
        input.pointer,
        shares,
        wide,
        begin,
        end,
        heads,
        length,
        channels,
        causal,
        2 * input.exponent,
        factor,
        tables,
        scratch.at(piece),
      ]);
      const exponent = input.exponent - SHARE_BITS;
      narrowInto(machine, wide, output, count * volume(layer.output), bits, exponent, format.activationBits);
    },
    backward(count) {
      if (inputGradient && outputGradient) back?.(count, outputGradient, inputGradient);
    },
  };
}

/** int32 that its passes need in `wide`. */
export const attentionWide = (layer: AttentionLayer): number =>
  Math.max(volume(layer.input), layer.heads * layer.input[0] ** 2);
