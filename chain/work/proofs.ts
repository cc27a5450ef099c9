/** Bundles by (draw, rank, content id): fetched once, replayed once, remembered while their draw is open. */
import { FedaiError, type Log } from '../../core/index.ts';
import type { ReplayLimits } from '../../job/index.ts';
import { PENALTY } from '../../net/index.ts';
import type { Replayer, ReplayOutcome } from '../../pouw/replay/index.ts';
import type { Peer } from '../../storage/index.ts';
import type { Opening } from './openings.ts';

export interface Proof {
  readonly opening: Opening;
  /** Content id of the bundle, as text. */
  readonly bundle: string;
  /** Weights root of the end state, 32 bytes. */
  readonly modelHash: Uint8Array;
  readonly replayMs: number;
  readonly bytes: number;
}

export interface Proofs {
  /** The verified proof, or undefined when the bundle is wrong or not to be had now. `from`: who is to blame for a wrong one. */
  prove(opening: Opening, bundle: string, from?: string): Promise<Proof | undefined>;
  /** Any proof of the opening that is verified. */
  held(opening: Opening): Proof | undefined;
  /** Forgets the draws before this height. */
  forgetBefore(drawHeight: number): void;
}

export interface ProofsInput {
  readonly peer: Pick<Peer, 'content' | 'scores'>;
  readonly replayer: Replayer;
  readonly limits: ReplayLimits;
  readonly log: Log;
  readonly onReplay: (outcome: ReplayOutcome) => void;
}

/** Longer than a block, so that one slow transfer is not given up for every proposal anew. */
const FETCH_TIMEOUT_MS = 20_000;
/** Different bundles that are looked at for one opening: only one can be right, but its finder may come late. */
const MAX_TRIED = 8;

const keyOf = ({ drawHeight, rank }: Opening): string => `${drawHeight}/${rank}`;

export function createProofs(input: ProofsInput): Proofs {
  const tried = new Map<string, Map<string, Promise<Proof | undefined>>>();
  const verified = new Map<string, Proof>();
  const attempt = async (opening: Opening, bundle: string, from: string | undefined) => {
    const proof = await fetchAndReplay(input, opening, bundle, from);
    if (proof !== undefined) verified.set(keyOf(opening), proof);
    return proof;
  };
  return {
    prove(opening, bundle, from) {
      const known = verified.get(keyOf(opening));
      if (known?.bundle === bundle) return Promise.resolve(known);
      const bundles = tried.get(keyOf(opening)) ?? new Map<string, Promise<Proof | undefined>>();
      tried.set(keyOf(opening), bundles);
      const underway = bundles.get(bundle);
      if (underway !== undefined) return underway;
      if (bundles.size >= MAX_TRIED) return Promise.resolve(undefined);
      const proving = attempt(opening, bundle, from).catch((error: unknown) => {
        // Nothing is known of the bundle: whoever names it again has it tried again.
        bundles.delete(bundle);
        input.log.debug('a bundle is not to be had', { ...placeOf(opening), bundle, error });
        return undefined;
      });
      bundles.set(bundle, proving);
      return proving;
    },
    held: (opening) => verified.get(keyOf(opening)),
    forgetBefore(drawHeight) {
      for (const map of [tried, verified])
        for (const key of map.keys()) if (Number(key.split('/')[0]) < drawHeight) map.delete(key);
    },
  };
}

async function fetchAndReplay(
  { peer, replayer, limits, log, onReplay }: ProofsInput,
  opening: Opening,
  bundle: string,
  from: string | undefined,
): Promise<Proof | undefined> {
  const bytes = await peer.content
    .getBytes(bundle, { maxBytes: limits.maxBundleBytes, timeoutMs: FETCH_TIMEOUT_MS })
    .catch((error: unknown) => {
      if (error instanceof FedaiError && error.transient) throw error;
      return undefined;
    });
  const outcome =
    bytes === undefined
      ? ({ ok: false, check: 'document', reason: 'not a file within the limits' } as const)
      : await replayer.replay({ bundle: bytes, claim: opening.claim, limits });
  if ('ms' in outcome) onReplay(outcome);
  if (outcome.ok && bytes !== undefined)
    return { opening, bundle, modelHash: outcome.modelHash, replayMs: outcome.ms, bytes: bytes.length };
  log.warn('a bundle does not prove its segment', { ...placeOf(opening), bundle, ...outcome });
  if (from !== undefined) peer.scores.penalise(from, PENALTY.malformed, 'announced a wrong bundle');
  return undefined;
}

export const placeOf = ({ drawHeight, rank, claim }: Opening) => ({
  drawHeight,
  rank,
  jobId: claim.jobId,
  round: claim.round,
  slot: claim.slot,
  segment: claim.segment,
});
