/** The signed messages of one height: proof for commits, re-proposals and equivocation. Counting is the machine's. */
import { equalBytes, type Hex, toHex } from '../../core/index.ts';
import type { VoteType } from '../../light/index.ts';
import { proposalBlockHash, type SignedProposal, type SignedVote } from './messages.ts';
import type { Evidence } from './types.ts';

/**
 * Different messages kept of one validator at one (type, round). A correct one sends one; some of an equivocator's
 * must be kept, since quorums that others saw may contain them.
 */
const MAX_CONFLICTING = 4;

export type Added = 'new' | 'known' | 'full';

export interface VoteBook {
  /** Whether this very message (apart from `attempt`) is here. */
  has(message: SignedVote | SignedProposal): boolean;
  /** `proposer` is the signer of a proposal. */
  add(message: SignedVote | SignedProposal, proposer?: number): Added;
  proposals(round: number): SignedProposal[];
  /** Votes of `type` in `round` for `blockHash` (null is nil), by validator index. */
  votesFor(type: VoteType, round: number, blockHash: Uint8Array | null): SignedVote[];
  votesOf(validator: number, round: number): SignedVote[];
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
export function createVoteBook(onEvidence: (evidence: Evidence) => void): VoteBook {
  const slots = new Map<string, Map<string, SignedVote | SignedProposal>>();
  const all = function* (): Iterable<SignedVote | SignedProposal> {
    for (const slot of slots.values()) yield* slot.values();
  };
  const votes = (keep: (vote: SignedVote) => boolean): SignedVote[] =>
    [...all()].filter((one): one is SignedVote => one.kind === 'vote' && keep(one));
  return {
    has: (message) => slots.get(slotOf(message))?.has(contentOf(message)) ?? false,
    add(message, proposer) {
      const slot = slots.get(slotOf(message)) ?? new Map<Hex | string, SignedVote | SignedProposal>();
      const content = contentOf(message);
      if (slot.has(content)) return 'known';
      if (slot.size >= MAX_CONFLICTING) return 'full';
      const [first] = slot.values();
      slots.set(slotOf(message), slot.set(content, message));
      const validator = message.kind === 'vote' ? message.validator : proposer;
      if (first !== undefined && slot.size === 2 && validator !== undefined)
        onEvidence({ validator, first, second: message });
      return 'new';
    },
    proposals: (round) =>
      [...(slots.get(`proposal/${round}`)?.values() ?? [])].filter((one) => one.kind === 'proposal'),
    votesFor: (type, round, blockHash) =>
      votes((vote) => vote.type === type && vote.round === round && sameHash(vote.blockHash, blockHash)),
    votesOf: (validator, round) => votes((vote) => vote.validator === validator && vote.round === round),
  };
}

function sameHash(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}
