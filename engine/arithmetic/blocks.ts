/** Sums of block floating-point tensors and narrowing of several tensors to one exponent. */
import { type Block, bitLength, narrow, powerOfTwo, rescale, roundShift } from './integers.ts';

/** int32 values at one exponent, not yet narrowed. */
export interface Wide {
  readonly values: Int32Array;
  readonly exponent: number;
}

/** Bits kept below the largest exponent of a sum: 16 terms of 11 + 16 bits still fit int32. */
const SUM_BITS = 16;

/** The exponent at which blocks are added: the smallest, but at most 2^16 below the largest. */
export const sumExponent = (exponents: readonly number[]): number =>
  Math.max(Math.max(...exponents) - SUM_BITS, Math.min(...exponents));

/** Sum of up to 16 blocks of equal length; a lone block is returned as it is. */
export function addBlocks(blocks: readonly Block[], bits: number): Block {
  if (blocks.length === 1) return blocks[0]!;
  const exponent = sumExponent(blocks.map((block) => block.exponent));
  const values = new Int32Array(blocks[0]!.mantissas.length);
  for (const block of blocks) {
    const shift = exponent - block.exponent;
    for (let i = 0; i < values.length; i++) values[i]! += rescale(block.mantissas[i]!, shift);
  }
  return narrow(values, exponent, bits);
}

/** Narrows tensors to one common exponent, the smallest that fits each of them. */
export function narrowTogether(tensors: readonly Wide[], bits: number): Block[] {
  const exponent = Math.max(...tensors.map((tensor) => narrowedExponent(tensor, bits)));
  const limit = powerOfTwo(bits) - 1;
  return tensors.map(({ values, exponent: from }) => ({
    exponent,
    mantissas: Int16Array.from(values, (value) =>
      Math.max(-limit, Math.min(limit, roundShift(value, exponent - from))),
    ),
  }));
}

function narrowedExponent({ values, exponent }: Wide, bits: number): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return exponent + Math.max(0, bitLength(largest) - bits);
}
