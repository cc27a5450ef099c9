/** Tables of learned rows: looked up by token, or added by position. */
import { addBlocks, type Wide } from '../arithmetic/blocks.ts';
import { type Block, MASTER_EXPONENT, narrow } from '../arithmetic/integers.ts';
import { type EmbeddingLayer, type PositionLayer, volume } from '../model.ts';
import type { Context } from './context.ts';

const tableOf = ({ weights, format }: Context, table: number): Block =>
  narrow(weights[table]!, MASTER_EXPONENT, format.activationBits);

/** Tokens are the input's bytes as they are, whatever the format makes of inputs elsewhere. */
export function embeddingForward(layer: EmbeddingLayer, context: Context, tokens: Uint8Array): Block {
  const { mantissas, exponent } = tableOf(context, layer.table);
  const width = layer.output[2];
  const out = new Int16Array(tokens.length * width);
  tokens.forEach((token, i) => {
    out.set(mantissas.subarray(token * width, (token + 1) * width), i * width);
  });
  return { mantissas: out, exponent };
}

/** Each row's gradient is the exact sum over the places of its token: at most 2^20 terms, so int32 holds it. */
export function embeddingGradient(layer: EmbeddingLayer, tokens: Uint8Array, gradient: Block): Wide {
  const width = layer.output[2];
  const values = new Int32Array(layer.rows * width);
  gradient.mantissas.forEach((g, i) => {
    values[tokens[Math.floor(i / width)]! * width + (i % width)]! += g;
  });
  return { values, exponent: gradient.exponent };
}

export function positionForward(layer: PositionLayer, context: Context, input: Block): Block {
  const table = tableOf(context, layer.table);
  const size = volume(layer.output);
  const repeated = Int16Array.from(input.mantissas, (_, i) => table.mantissas[i % size]!);
  return addBlocks([input, { ...table, mantissas: repeated }], context.format.activationBits);
}

export function positionGradient(layer: PositionLayer, gradient: Block): Wide {
  const size = volume(layer.output);
  const values = new Int32Array(size);
  gradient.mantissas.forEach((g, i) => {
    values[i % size]! += g;
  });
  return { values, exponent: gradient.exponent };
}
