/** The signed messages of one height: proof for commits, re-proposals and equivocation. Counting is the machine's. */
import { equalBytes, type Hex, toHex } from '../../core/index.ts';
import { hasCorrectOne, type VoteType } from '../../light/index.ts';
import { proposalBlockHash, type SignedProposal, type SignedVote } from './messages.ts';
import type { Evidence } from './types.ts';

/**
 * Different messages kept of one validator at one step, whatever they say: two are a proof. Beyond, a vote is kept only
 * if more than a third of the power voted likewise: an equivocator's vote in a quorum that others saw must find room
 * here, however many others it sent before, and of such values there are as few as correct validators.
 */
const MAX_CONFLICTING = 2;

export type Added = 'new' | 'known' | 'full';

export interface VoteBook {
  /** Messages kept. */
  readonly size: number;
  /**
   * Whether this very message (apart from `attempt`) is here. The signature counts: a known vote under a wrong one
   * must be found wrong, not be passed on as known.
   */
  has(message: SignedVote | SignedProposal): boolean;
  /** What `add` would answer. */
  place(message: SignedVote | SignedProposal): Added;
  /** `proposer` is the signer of a proposal. */
  add(message: SignedVote | SignedProposal, proposer?: number): Added;
  proposals(round: number): SignedProposal[];
  /** Votes of `type` in `round` for `blockHash` (null is nil), by validator index. */
  votesFor(type: VoteType, round: number, blockHash: Uint8Array | null): SignedVote[];
  votesOf(validator: number, round: number): SignedVote[];
  all(): (SignedVote | SignedProposal)[];
}

const slotOf = (message: SignedVote | SignedProposal): string =>
  message.kind === 'vote'
    ? `${message.type}/${message.round}/${message.validator}`
    : `proposal/${message.round}`;

/** What was signed, apart from the slot: only such a difference is a conflict. */
function contentOf(message: SignedVote | SignedProposal): string {
  if (message.kind === 'proposal') return `${toHex(proposalBlockHash(message))}/${message.validRound}`;
  return message.blockHash === null ? 'nil' : toHex(message.blockHash);
}

/** `onEvidence` is called once for each slot in which a validator contradicts itself. */
export function createVoteBook(
  powers: readonly bigint[],
  onEvidence: (evidence: Evidence) => void,
): VoteBook {
  const slots = new Map<string, Map<string, SignedVote | SignedProposal>>();
  const all = function* (): Iterable<SignedVote | SignedProposal> {
    for (const slot of slots.values()) yield* slot.values();
  };
  const votes = (keep: (vote: SignedVote) => boolean): SignedVote[] =>
    [...all()].filter((one): one is SignedVote => one.kind === 'vote' && keep(one));
  const total = powers.reduce((sum, power) => sum + power, 0n);
  const hasSupport = (message: SignedVote | SignedProposal): boolean => {
    if (message.kind === 'proposal') return false;
    const content = contentOf(message);
    const power = powers.reduce(
      (sum, each, validator) =>
        slots.get(slotOf({ ...message, validator }))?.has(content) ? sum + each : sum,
      0n,
    );
    return hasCorrectOne(power, total);
  };
  const place = (message: SignedVote | SignedProposal): Added => {
    const slot = slots.get(slotOf(message));
    if (slot === undefined) return 'new';
    if (slot.has(contentOf(message))) return 'known';
    return slot.size < MAX_CONFLICTING || hasSupport(message) ? 'new' : 'full';
  };
  return {
    get size() {
      return [...slots.values()].reduce((sum, slot) => sum + slot.size, 0);
    },
    has(message) {
      const known = slots.get(slotOf(message))?.get(contentOf(message));
      return known !== undefined && isSame(known, message);
    },
    place,
    add(message, proposer) {
      const added = place(message);
      if (added !== 'new') return added;
      const slot = slots.get(slotOf(message)) ?? new Map<Hex | string, SignedVote | SignedProposal>();
      const [first] = slot.values();
      slots.set(slotOf(message), slot.set(contentOf(message), message));
      const validator = message.kind === 'vote' ? message.validator : proposer;
      if (first !== undefined && slot.size === 2 && validator !== undefined)
        onEvidence({ validator, first, second: message });
      return 'new';
    },
    proposals: (round) =>
      [...(slots.get(`proposal/${round}`)?.values() ?? [])].filter((one) => one.kind === 'proposal'),
    votesFor: (type, round, blockHash) =>
      votes((vote) => vote.type === type && vote.round === round && sameHash(vote.blockHash, blockHash)),
    all: () => [...all()],
    votesOf: (validator, round) => votes((vote) => vote.validator === validator && vote.round === round),
  };
}

/** Slot and what was signed are the same; the rest may have been altered on the way. */
function isSame(a: SignedVote | SignedProposal, b: SignedVote | SignedProposal): boolean {
  if (!equalBytes(a.signature, b.signature)) return false;
  return a.kind === 'vote' || b.kind === 'vote'
    ? a.kind === b.kind
    : equalBytes(a.section, b.section) && equalBytes(a.parentCommit, b.parentCommit);
}

function sameHash(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}
