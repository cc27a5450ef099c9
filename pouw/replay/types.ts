/** Messages between a process and its replay threads. */
import type { ReplayLimits } from '../../job/index.ts';
import type { SegmentClaim, Verified } from '../index.ts';

export interface ReplayRequest {
  readonly id: number;
  /** Encoded. */
  readonly bundle: Uint8Array;
  readonly claim: SegmentClaim;
  readonly limits: ReplayLimits;
}

export type ReplayOutcome = Verified & {
  readonly ms: number;
  /** The fast kernel found otherwise than the reference, which decides. */
  readonly kernelFault: boolean;
};

export type ReplayAnswer =
  /** `kernel`: of the engine that was used. */
  | { readonly id: number; readonly verified: Verified; readonly kernel: string; readonly ms: number }
  | { readonly id: number; readonly fault: string };

/** What a thread is started with. */
export interface ReplayThreadData {
  readonly kernel: 'fastest' | 'reference';
}
