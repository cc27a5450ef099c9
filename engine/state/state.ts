/** Training state: int32 masters and velocity per tensor and the count of finished steps; its first values and its exact mean. */
import { concatBytes, FedaiError, sha256, uintBytes, utf8 } from '../../core/index.ts';
import type { Model } from '../model.ts';

export interface TrainState {
  /** Steps finished since the first state. */
  readonly counter: number;
  /** One array per tensor of the model, in order; value = integer · 2^−24, never −2^31. */
  readonly weights: readonly Int32Array[];
  /** The optimiser's own: a velocity per tensor; of AdamW first moments, then roots of second moments. */
  readonly velocity: readonly Int32Array[];
}

/** 24-bit values are taken from SHA-256(seed ‖ "fedai-init/1" ‖ tensor u32 ‖ block u32), ten to a block. */
const VALUES_PER_BLOCK = 10;

/** floor(2^24 · sqrt(6 / fanIn)): the bound of He's uniform distribution at the masters' exponent. */
export function initialBound(fanIn: number): number {
  const target = (6n << 48n) / BigInt(fanIn);
  let root = 1n << 26n;
  for (let next = (root + target / root) >> 1n; next < root; next = (root + target / root) >> 1n) root = next;
  return Number(root);
}

function initialTensor(seed: Uint8Array, tensor: number, size: number, bound: number): Int32Array {
  const values = new Int32Array(size);
  const domain = concatBytes(seed, utf8('fedai-init/1'), uintBytes(tensor, 4));
  for (let i = 0; i < size; i += VALUES_PER_BLOCK) {
    const bytes = sha256(concatBytes(domain, uintBytes(i / VALUES_PER_BLOCK, 4)));
    for (let j = 0; j < VALUES_PER_BLOCK && i + j < size; j++) {
      const random = bytes[3 * j]! * 65536 + bytes[3 * j + 1]! * 256 + bytes[3 * j + 2]!;
      values[i + j] = Math.floor((random * (2 * bound + 1)) / 16777216) - bound;
    }
  }
  return values;
}

/** The first state: kernels and tables drawn from `seed`, scales and variances 1, all else 0. `moments`: tensors of the optimiser per tensor. */
export function initialState(model: Model, seed: Uint8Array, moments = 1): TrainState {
  const weights = model.tensors.map(({ shape, size, constant, fanIn }, index) =>
    shape.length === 1
      ? new Int32Array(size).fill(constant ?? 0)
      : initialTensor(seed, index, size, initialBound(fanIn ?? size / shape.at(-1)!)),
  );
  const zeros = (): Int32Array[] => model.tensors.map(({ size }) => new Int32Array(size));
  return { counter: 0, weights, velocity: Array.from({ length: moments }, zeros).flat() };
}

export const copyState = (state: TrainState): TrainState => ({
  counter: state.counter,
  weights: state.weights.map((tensor) => tensor.slice()),
  velocity: state.velocity.map((tensor) => tensor.slice()),
});

/** floor((2 · sum + n) / 2n) element by element: the exact mean, halves upward. */
function meanTensor(tensors: readonly Int32Array[]): Int32Array {
  const n = tensors.length;
  return tensors[0]!.map((_, i) => {
    const sum = tensors.reduce((total, tensor) => total + tensor[i]!, 0);
    return Math.floor((2 * sum + n) / (2 * n));
  });
}

/** Exact mean of 1 to 65 536 states of one model and one counter; the order does not matter. Throws `BAD_STATE`. */
export function meanState(states: readonly TrainState[]): TrainState {
  const first = states[0];
  if (!first || states.length > 65_536)
    throw new FedaiError('BAD_STATE', 'mean needs 1 to 65536 states', { got: states.length });
  for (const state of states) {
    const fits =
      state.counter === first.counter &&
      sameSizes(state.weights, first.weights) &&
      sameSizes(state.velocity, first.velocity);
    if (!fits)
      throw new FedaiError('BAD_STATE', 'states differ in counter or shape', {
        got: state.counter,
        expected: first.counter,
      });
  }
  return {
    counter: first.counter,
    weights: first.weights.map((_, t) => meanTensor(states.map((state) => state.weights[t]!))),
    velocity: first.velocity.map((_, t) => meanTensor(states.map((state) => state.velocity[t]!))),
  };
}

const sameSizes = (a: readonly Int32Array[], b: readonly Int32Array[]): boolean =>
  a.length === b.length && a.every((tensor, i) => tensor.length === b[i]!.length);

/** Throws `BAD_STATE` unless the tensors have the model's sizes. */
export function checkWeights(model: Model, weights: readonly Int32Array[]): void {
  const fits =
    weights.length === model.tensors.length &&
    weights.every((tensor, i) => tensor.length === model.tensors[i]!.size);
  if (!fits) {
    throw new FedaiError(
      'BAD_STATE',
      'tensors do not belong to this model',
      {},
      { remedy: 'use a state of the same model document' },
    );
  }
}

/** `moments`: tensors of the optimiser per tensor of the model. */
export function checkState(model: Model, state: TrainState, moments = 1): void {
  checkWeights(model, state.weights);
  const { length } = model.tensors;
  const parts = Array.from({ length: moments }, (_, i) => state.velocity.slice(i * length, (i + 1) * length));
  if (state.velocity.length !== moments * length) checkWeights(model, []);
  for (const part of parts) checkWeights(model, part);
}
