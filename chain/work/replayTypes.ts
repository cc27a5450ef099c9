/** Messages between the chain node and its replay thread. */
import type { ReplayLimits } from '../../job/index.ts';
import type { SegmentClaim, Verified } from '../../pouw/index.ts';

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
  | { readonly id: number; readonly outcome: ReplayOutcome }
  | { readonly id: number; readonly fault: string };
