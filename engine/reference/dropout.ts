/** Dropout: which elements are dropped is a hash of step, layer and place, so a replay drops the same. */
import { type Block, narrow } from '../arithmetic/integers.ts';
import type { DropoutLayer } from '../model.ts';
import type { Context } from './context.ts';

export const SCALE_BITS = 10;
const UINT32 = 4_294_967_296;

/** A mixing function of 32 bits: multiplications modulo 2^32 and shifted exclusive ors. */
function mix(x: number): number {
  let y = x >>> 0;
  y = Math.imul(y ^ (y >>> 16), 0x7feb352d);
  y = Math.imul(y ^ (y >>> 15), 0x846ca68b);
  return (y ^ (y >>> 16)) >>> 0;
}

/** The key of a layer's masks in the step after `counter` finished steps. */
export function dropoutKey(counter: number, layer: number): number {
  const low = mix((counter % UINT32) ^ Math.imul(layer + 1, 0x9e3779b9));
  return mix(low ^ Math.floor(counter / UINT32));
}

/** Whether element `index` (of the whole batch) is kept. */
export const isKept = (key: number, index: number, rateQ8: number): boolean =>
  mix(key ^ Math.imul(index + 1, 0x85ebca6b)) >>> 24 >= rateQ8;

/** What is kept is multiplied by it, at 2^−10. */
export function keptFactor(rateQ8: number): number {
  const keep = 256 - rateQ8;
  return Math.floor((2 * 256 * 2 ** SCALE_BITS + keep) / (2 * keep));
}

function scaled(layer: DropoutLayer, counter: number, block: Block, bits: number): Block {
  const { index, rateQ8 } = layer;
  const factor = keptFactor(rateQ8);
  const key = dropoutKey(counter, index);
  const values = Int32Array.from(block.mantissas, (m, i) => (isKept(key, i, rateQ8) ? m * factor : 0));
  return narrow(values, block.exponent - SCALE_BITS, bits);
}

/** What is kept is divided by the share that is kept. A prediction drops nothing and changes nothing. */
export const dropoutForward = (layer: DropoutLayer, { counter, format }: Context, input: Block): Block =>
  counter === undefined ? input : scaled(layer, counter, input, format.activationBits);

export const dropoutBackward = (layer: DropoutLayer, { counter, format }: Context, gradient: Block): Block =>
  scaled(layer, counter ?? 0, gradient, format.gradientBits);
