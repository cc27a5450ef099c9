/**
 * Replays bundles on threads. A fast kernel that does not confirm a claim is not believed: the reference decides, on a
 * thread of its own, so that wrong traces, which all end there, do not hold up right ones.
 */
import type { Log } from '../../core/index.ts';
import { type LaneOptions, openLane } from './lane.ts';
import type { ReplayOutcome, ReplayRequest } from './types.ts';

export interface Replayer {
  /** Has the fast kernel admitted now: that takes longer than a replay. */
  warm(): void;
  /** Throws `REPLAY_FAILED` (transient) when a thread dies, takes too long, or the `signal` says that nobody waits: no verdict on the bundle. */
  replay(request: Omit<ReplayRequest, 'id'>, options?: ReplayOptions): Promise<ReplayOutcome>;
  close(): Promise<void>;
}

export interface ReplayOptions {
  readonly signal?: AbortSignal;
  /** Told when the reference has to decide, which may take minutes. */
  readonly onDoubt?: () => void;
}

/** Limits of a chain keep a replay near a second. */
const FAST_TIMEOUT_MS = 120_000;
/** The reference kernel is some hundred times slower, and the machine may be busy. */
const REFERENCE_TIMEOUT_MS = 1_200_000;

/** Threads start when they are needed, unless they are warmed. */
export function createReplayer(log: Log): Replayer {
  const lane = (options: Omit<LaneOptions, 'log'>) => openLane({ ...options, log });
  const fast = lane({ kernel: 'fastest', timeoutMs: FAST_TIMEOUT_MS });
  const reference = lane({ kernel: 'reference', timeoutMs: REFERENCE_TIMEOUT_MS });
  return {
    warm: fast.warm,
    async replay(request, { signal, onDoubt } = {}) {
      const { verified, kernel, ms } = await fast.run(request, signal);
      const isDoubtful = !verified.ok && verified.check === 'replay' && kernel !== 'reference';
      if (!isDoubtful) return { ...verified, kernelFault: false, ms };
      onDoubt?.();
      const decided = await reference.run(request, signal);
      return { ...decided.verified, kernelFault: decided.verified.ok, ms: ms + decided.ms };
    },
    async close() {
      await Promise.all([fast.close(), reference.close()]);
    },
  };
}
