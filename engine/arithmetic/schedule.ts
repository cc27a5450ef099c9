/** Learning rates at 2^−24 by step, and powers of a moment's decay. */
import type { Schedule } from '../document.ts';
import { COSINE_FALL_Q24 } from './layers.tables.ts';

const Q24 = 1 << 24;

/** The share of the fall that is still to come, at 2^−24, after `done` of `whole` steps. */
function remaining(decay: Schedule['decay'], done: number, whole: number): number {
  if (decay === 'constant') return Q24;
  if (done >= whole) return 0;
  // Counters are up to 2^53: the quotient needs more than doubles.
  const part = Number((BigInt(done) << 24n) / BigInt(whole));
  if (decay === 'linear') return Q24 - part;
  const k = part >> 16;
  const r = part & 0xffff;
  return Math.floor((COSINE_FALL_Q24[k]! * (65_536 - r) + COSINE_FALL_Q24[k + 1]! * r) / 65_536);
}

/** The rate of the step after `counter` finished steps, at 2^−24. */
export function scheduledRate(
  { peakQ24, warmupSteps, decay, decaySteps, floorQ24 }: Schedule,
  counter: number,
): number {
  if (counter < warmupSteps) return Number((BigInt(peakQ24) * BigInt(counter + 1)) / BigInt(warmupSteps));
  const share = remaining(decay, counter - warmupSteps, decaySteps);
  const low = Math.min(floorQ24, peakQ24);
  return low + Math.floor(((peakQ24 - low) * share) / Q24);
}

/** 1 − (1 − 2^−shift)^steps at 2^−30, each product floored. */
export function decayedQ30(shift: number, steps: number): bigint {
  const one = 1n << 30n;
  let base = one - (one >> BigInt(shift));
  let power = one;
  for (let n = steps; n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) power = (power * base) >> 30n;
    base = (base * base) >> 30n;
  }
  return one - power;
}

/** floor(sqrt(x)). */
export function rootOf(x: bigint): bigint {
  if (x < 2n) return x;
  let root = 1n << BigInt(Math.ceil(x.toString(2).length / 2));
  for (let next = (root + x / root) >> 1n; next < root; next = (root + x / root) >> 1n) root = next;
  return root;
}
