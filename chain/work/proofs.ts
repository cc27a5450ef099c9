/** Bundles by (opening or case, content id): fetched once, replayed once, remembered while their target is open. */
import { FedaiError, type Hex, type Log } from '../../core/index.ts';
import type { ReplayLimits } from '../../job/index.ts';
import { PENALTY } from '../../net/index.ts';
import type { Proved, Refuted } from '../../pouw/index.ts';
import type { Replayer, ReplayOutcome } from '../../pouw/replay/index.ts';
import type { Peer } from '../../storage/index.ts';
import { type Attempt, createAttempts } from './attempts.ts';
import { placeOf, type Standing, type Target } from './target.ts';

export interface Proof {
  readonly target: Target;
  /** Content id of the bundle, as text. */
  readonly bundle: string;
  /** `Refuted` for a case only, and by the reference kernel. */
  readonly outcome: Proved | Refuted;
}

/** Who brings a bundle and is to blame for a wrong one. */
export interface Announcer {
  readonly peer: string;
  /** Who signed it. */
  readonly account: Hex;
  readonly standing: Standing;
}

export interface Proofs {
  /** The proof, or undefined when the bundle settles nothing or is not to be had now. Without `from` a proposal waits for it. */
  prove(target: Target, bundle: string, from?: Announcer): Promise<Proof | undefined>;
  /** Any proof of the target. */
  held(target: Target): Proof | undefined;
  /** Forgets all other targets. */
  keepOnly(targets: readonly Target[]): void;
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
/** Wrong bundles for one target that one party, or one peer with what strangers tell, may bring; each costs the peer points too. */
const MAX_WRONG_PER_SOURCE = 2;
/** That are remembered. There is no end to trying: strangers must not use up the tries of whoever has the right one. */
const MAX_WRONG = 64;

interface Matter {
  proof: Proof | undefined;
  /** Who brought it, by bundle; '' for a proposal. */
  readonly wrong: Map<string, string>;
}

export function createProofs(input: ProofsInput): Proofs {
  const matters = new Map<string, Matter>();
  const attempts = createAttempts<Proof>();
  const matterOf = ({ key }: Target): Matter => {
    const known = matters.get(key) ?? { proof: undefined, wrong: new Map() };
    matters.set(key, known);
    return known;
  };
  const run = async (target: Target, bundle: string, from: Announcer | undefined, attempt: Attempt) => {
    const matter = matterOf(target);
    try {
      const proof = await fetchAndReplay(input, target, bundle, attempt, from?.peer);
      if (proof !== undefined) matter.proof = proof;
      else condemn(input, matter, bundle, from);
      return proof;
    } catch (error) {
      // Nothing is known of the bundle: whoever names it again has it tried again.
      input.log.debug('a bundle is not to be had', { ...placeOf(target), bundle, error });
      return undefined;
    }
  };
  return {
    prove(target, bundle, from) {
      const { proof, wrong } = matterOf(target);
      // Who announces brings nothing new to what is proven.
      if (proof !== undefined && (proof.bundle === bundle || from !== undefined))
        return Promise.resolve(proof);
      const source = from && sourceOf(from);
      const isSpent = source !== undefined && spent(wrong, source);
      if (wrong.has(bundle) || isSpent) return Promise.resolve(undefined);
      const start = (attempt: Attempt) => run(target, bundle, from, attempt);
      return attempts.join({ key: target.key, bundle, from: source, standing: from?.standing ?? 0 }, start);
    },
    held: ({ key }) => matters.get(key)?.proof,
    keepOnly(targets) {
      const keys = new Set(targets.map(({ key }) => key));
      for (const key of matters.keys()) if (!keys.has(key)) matters.delete(key);
      attempts.keepOnly(keys);
    },
  };
}

/** A party answers for itself, whoever passes it on; strangers are as many as they like, so the peer answers for them. */
const sourceOf = ({ peer, account, standing }: Announcer): string => (standing > 0 ? account : peer);

const spent = (wrong: ReadonlyMap<string, string>, from: string): boolean =>
  [...wrong.values()].filter((one) => one === from).length >= MAX_WRONG_PER_SOURCE;

function condemn(
  { peer }: ProofsInput,
  { wrong }: Matter,
  bundle: string,
  from: Announcer | undefined,
): void {
  wrong.set(bundle, from === undefined ? '' : sourceOf(from));
  if (wrong.size > MAX_WRONG) wrong.delete(wrong.keys().next().value!);
  if (from !== undefined) peer.scores.penalise(from.peer, PENALTY.malformed, 'announced a wrong bundle');
}

/** Undefined for a bundle that does not settle its target; throws when that is not known. */
async function fetchAndReplay(
  { peer, replayer, limits, log, onReplay }: ProofsInput,
  target: Target,
  bundle: string,
  { signal, fetched, doubted }: Attempt,
  /** Passed it on, so has it. */
  from: string | undefined,
): Promise<Proof | undefined> {
  const read = {
    maxBytes: limits.maxBundleBytes,
    timeoutMs: FETCH_TIMEOUT_MS,
    signal,
    ...(from !== undefined && { from }),
  };
  const bytes = await peer.content.getBytes(bundle, read).catch((error: unknown) => {
    if (signal.aborted || (error instanceof FedaiError && error.transient)) throw error;
    return undefined;
  });
  if (bytes === undefined) {
    log.warn('a bundle is not a file within the limits', { ...placeOf(target), bundle });
    return undefined;
  }
  fetched();
  const request = { bundle: bytes, claim: target.claim, limits };
  const outcome = await replayer.replay(request, { signal, onDoubt: doubted });
  onReplay(outcome);
  if (outcome.ok || (target.isCase && outcome.check === 'replay')) return { target, bundle, outcome };
  const { check, reason } = outcome;
  log.warn('a bundle does not prove its segment', { ...placeOf(target), bundle, check, reason });
  return undefined;
}
