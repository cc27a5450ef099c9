/** Max-pooling over disjoint windows. The first largest element in row-major order wins, forward and backward. */
import type { Block } from '../arithmetic/integers.ts';
import { type PoolLayer, volume } from '../model.ts';

/** Index of the winner in the layer's input for every output element. */
function winners(layer: PoolLayer, mantissas: Int16Array, count: number): Int32Array {
  const [height, width, channels] = layer.input;
  const [rows, columns] = layer.output;
  const out = new Int32Array(count * volume(layer.output));
  for (let index = 0; index < out.length; index++) {
    const channel = index % channels;
    const column = Math.floor(index / channels) % columns;
    const row = Math.floor(index / (channels * columns)) % rows;
    const sample = Math.floor(index / volume(layer.output));
    let best = -1;
    for (let i = 0; i < layer.size[0]; i++) {
      for (let j = 0; j < layer.size[1]; j++) {
        const y = row * layer.size[0] + i;
        const x = column * layer.size[1] + j;
        const at = ((sample * height + y) * width + x) * channels + channel;
        if (best < 0 || mantissas[at]! > mantissas[best]!) best = at;
      }
    }
    out[index] = best;
  }
  return out;
}

export function poolForward(layer: PoolLayer, input: Block, count: number): Block {
  const chosen = winners(layer, input.mantissas, count);
  return { mantissas: Int16Array.from(chosen, (at) => input.mantissas[at]!), exponent: input.exponent };
}

/** Each gradient goes to its window's winner; all other inputs get zero. */
export function poolBackward(layer: PoolLayer, input: Block, gradient: Block, count: number): Block {
  const mantissas = new Int16Array(input.mantissas.length);
  winners(layer, input.mantissas, count).forEach((at, index) => {
    mantissas[at] = gradient.mantissas[index]!;
  });
  return { mantissas, exponent: gradient.exponent };
}
