/** Seeded random numbers of this engine: of first weights, and of what layers like dropout draw in a step. */

/** SplitMix32: uniform in [0, 1). */
export function randomOf(...seeds: readonly number[]): () => number {
  let state = seeds.reduce((hash, seed) => Math.imul(hash ^ seed, 0x9e3779b1) ^ (hash >>> 15), 0x2545f491);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Normal with mean 0 and deviation 1 (Box and Muller). */
export const normalOf = (next: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/**
 * Runs `work` with what TensorFlow.js draws on: it seeds dropout and noise from `Math.random` and offers no other way. With
 * a seed of the step a resumed run draws as one that was not stopped. `work` must be synchronous.
 */
export function withRandom<T>(next: () => number, work: () => T): T {
  const { random } = Math;
  Math.random = next;
  try {
    return work();
  } finally {
    Math.random = random;
  }
}
