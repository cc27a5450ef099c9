/**
 * Replays bundles on threads. A fast kernel that does not confirm a claim is not believed: the reference decides, on a
 * thread of its own, so that wrong traces, which all end there, do not hold up right ones.
 */
import type { Log } from '../../core/index.ts';
import { type LaneOptions, openLane } from './lane.ts';
import type { ReplayOutcome, ReplayRequest } from './types.ts';

export interface Replayer {
  /** Throws `REPLAY_FAILED` (transient) when a thread dies or takes too long: that is no verdict on the bundle. */
  replay(request: Omit<ReplayRequest, 'id'>): Promise<ReplayOutcome>;
  close(): Promise<void>;
}

/** Limits of a chain keep a replay near a second. */
const FAST_TIMEOUT_MS = 120_000;
/** The reference kernel is some hundred times slower, and the machine may be busy. */
const REFERENCE_TIMEOUT_MS = 1_200_000;

/** Threads start when they are needed. */
export function createReplayer(log: Log): Replayer {
  const lane = (options: Omit<LaneOptions, 'log'>) => openLane({ ...options, log });
  const fast = lane({ kernel: 'fastest', timeoutMs: FAST_TIMEOUT_MS });
  const reference = lane({ kernel: 'reference', timeoutMs: REFERENCE_TIMEOUT_MS });
  return {
    async replay(request) {
      const { verified, kernel, ms } = await fast.run(request);
      const isDoubtful = !verified.ok && verified.check === 'replay' && kernel !== 'reference';
      if (!isDoubtful) return { ...verified, kernelFault: false, ms };
      const decided = await reference.run(request);
      return { ...decided.verified, kernelFault: decided.verified.ok, ms: ms + decided.ms };
    },
    async close() {
      await Promise.all([fast.close(), reference.close()]);
    },
  };
}
