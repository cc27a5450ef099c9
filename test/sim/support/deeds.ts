/** What a Byzantine validator may do. A schedule draws some of it; how often and towards whom is drawn as it goes. */
import type { SeededRandom } from '../../../core/index.ts';

export const DEEDS = [
  /** Two votes, or a vote and nil, at one step; different ones to different peers. */
  'double-votes',
  'withhold-votes',
  /** Votes for whatever others vote for, each time again, so that two correct ones are a quorum with it. */
  'vote-for-all',
  /** Two proposals in one round, different ones to different peers. */
  'double-proposals',
  'withhold-proposals',
  /** Proposals of blocks that break a rule, of consensus or of the application. */
  'invalid-blocks',
  /** Proposes others' blocks of earlier rounds again, as if they had had a polka. */
  'false-reproposals',
  /** Does not serve the bodies of what it proposed, or serves others. */
  'withhold-bodies',
  /** Votes and proposals of other rounds and heights, near and far. */
  'other-rounds',
  /** Others' names under its own signatures, others' messages with something altered, garbage. */
  'forge',
  /** Others' messages again, long after. */
  'replay',
  /** Many contradicting messages at one step. */
  'flood',
  /** Wrong claims and forged blocks and commits to those that catch up. */
  'lie-to-sync',
] as const;

export type Deed = (typeof DEEDS)[number];

/** What a trap needs: those who are locked are offered another block, with votes for it. */
const BAIT: readonly Deed[] = ['vote-for-all', 'false-reproposals'];

export function drawDeeds(random: SeededRandom, isTrap: boolean): ReadonlySet<Deed> {
  if (isTrap && random.chance(1, 2)) return new Set(BAIT);
  if (random.chance(1, 3)) return new Set(DEEDS);
  const some = DEEDS.filter(() => random.chance(1, 3));
  return new Set(some.length > 0 ? some : [random.pick(DEEDS)]);
}
