/** A node's wall clock: virtual time, shifted by the steps of its schedule and run at its own rate until the calm. */
import type { Clock } from '../../../core/index.ts';
import type { VirtualClock } from './clock.ts';
import type { Life } from './disk.ts';
import type { Skew } from './schedule.ts';

export interface SkewedTime {
  now(): number;
  /** The greatest time that this clock has shown so far. */
  highest(): number;
  /** For one life of the process: its timers die with it. Timers go by the rate and know nothing of jumps. */
  clock(life: Life): Clock;
}

/** `startMs` and `calmAtMs` in virtual time; after the calm the clock drifts no further. */
export function createSkewedTime(
  clock: VirtualClock,
  { rate, steps }: Skew,
  { startMs, calmAtMs }: { startMs: number; calmAtMs: number },
): SkewedTime {
  const at = (virtualMs: number, offsetMs: number): number =>
    Math.floor(virtualMs + offsetMs + (virtualMs < calmAtMs ? (rate - 1) * (virtualMs - startMs) : 0));
  const stepAt = (virtualMs: number) => steps.findLast((one) => startMs + one.atMs <= virtualMs) ?? steps[0]!;
  const now = () => at(clock.now(), stepAt(clock.now()).offsetMs);
  return {
    now,
    highest() {
      // A clock that rises shows its greatest time at the end of each step.
      const ends = steps.map((_, i) =>
        Math.min(clock.now(), startMs + (steps[i + 1]?.atMs ?? Number.POSITIVE_INFINITY)),
      );
      const shown = steps.map((one, i) =>
        startMs + one.atMs <= clock.now() ? at(ends[i]!, one.offsetMs) : Number.NEGATIVE_INFINITY,
      );
      return Math.max(now(), ...shown);
    },
    clock: (life) => ({
      now,
      setTimer: (delayMs, callback) => clock.setTimer(delayMs / rate, () => life.alive && callback()),
    }),
  };
}
