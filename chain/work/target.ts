/** What a bundle is replayed for: the opening of a drawn segment, or a case of the court. */
import type { Hex } from '../../core/index.ts';
import type { SegmentClaim } from '../../pouw/index.ts';

export interface Target {
  /** Of this opening or case and of no other. */
  readonly key: string;
  /** A case is settled also by a replay that leads elsewhere; an opening is not. */
  readonly isCase: boolean;
  /** What the bundle is checked against. */
  readonly claim: SegmentClaim;
  /** Who may lose by it, first the trace's worker: checksummed addresses. Their announcements go before those of others. */
  readonly parties: readonly Hex[];
}

/** What an announcement counts: a stranger's, a party's, the worker's own. */
export type Standing = 0 | 1 | 2;

export function standingOf({ parties }: Target, account: Hex): Standing {
  const place = parties.indexOf(account);
  if (place < 0) return 0;
  return place === 0 ? 2 : 1;
}

/** For the log. */
export const placeOf = ({ key, claim: { jobId, round, slot, segment } }: Target) => ({
  ...{ target: key, jobId, round, slot, segment },
});
