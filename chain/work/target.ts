/** What a bundle is replayed for: the opening of a drawn segment, or a case of the court. */
import type { SegmentClaim } from '../../pouw/index.ts';

export interface Target {
  /** Of this opening or case and of no other. */
  readonly key: string;
  /** A case is settled also by a replay that leads elsewhere; an opening is not. */
  readonly isCase: boolean;
  /** What the bundle is checked against. */
  readonly claim: SegmentClaim;
}

/** For the log. */
export const placeOf = ({ key, claim: { jobId, round, slot, segment } }: Target) => ({
  ...{ target: key, jobId, round, slot, segment },
});
