/** What this validator tells another that starts: its proven head, and the asker's messages that it holds. */
import { equalBytes, FedaiError } from '../../core/index.ts';
import type { ValidatorSet } from '../../light/index.ts';
import {
  answerSignBytes,
  decodeQuestion,
  encodeAnswer,
  MAX_ANSWERED,
  MAX_ANSWERED_AHEAD,
} from './answers.ts';
import { byStep } from './caution.ts';
import type { FutureMessages } from './future.ts';
import { type ConsensusMessage, messageSignBytes, type SignedVote } from './messages.ts';
import type { Signer } from './signer.ts';
import type { ConsensusOptions } from './types.ts';

export interface Memory {
  options: Pick<ConsensusOptions, 'application' | 'chainId' | 'history' | 'scheme'>;
  signer: Signer | null;
  /** Messages of the height under way, verified. */
  held: readonly ConsensusMessage[];
  /** Of the height under way; undefined before there is one. */
  proposer: ((round: number) => number) | undefined;
  future: Pick<FutureMessages, 'votesOf'>;
}

/** Signatures checked for one question: what is kept of the next height is unverified. */
const MAX_AHEAD_CHECKED = 16;
const MAX_HELD = MAX_ANSWERED - MAX_ANSWERED_AHEAD;

/** Throws `BAD_RLP`, and `NOT_A_VALIDATOR` when this node does not vote. */
export async function testify(question: Uint8Array, memory: Memory): Promise<Uint8Array> {
  const { options, signer } = memory;
  const { application, chainId, history } = options;
  const { nonce, publicKey } = decodeQuestion(question);
  const { height } = application.head;
  const set = await application.validatorsAt(height + 1);
  const indexOf = (key: Uint8Array) => set.findIndex((one) => equalBytes(one.blsPublicKey, key));
  const validator = signer === null ? -1 : indexOf(signer.publicKey);
  if (signer === null || validator === -1) throw new FedaiError('NOT_A_VALIDATOR', 'this node does not vote');
  const commit = height === 0 ? null : await history.commitAt(height);
  const asker = indexOf(publicKey);
  const messages = asker === -1 ? [] : [...heldOf(memory, asker), ...aheadOf(memory, set, asker)];
  return encodeAnswer({ validator, height, commit, messages }, (body) =>
    signer.reveal(answerSignBytes(chainId, nonce, body)),
  );
}

function heldOf({ held, proposer }: Memory, validator: number): ConsensusMessage[] {
  const own = held
    .filter((one) => (one.kind === 'vote' ? one.validator : proposer?.(one.round)) === validator)
    .sort(byStep);
  // The latest, and beside them precommits of blocks: those lock.
  const locks = own.filter(
    (one) => one.kind === 'vote' && one.type === 'precommit' && one.blockHash !== null,
  );
  const newest = [...own.slice(-MAX_HELD / 2), ...locks.slice(-MAX_HELD / 2)];
  return [...new Set(newest)].sort(byStep);
}

/** Votes of the next height that came before this node was there: the asker may have been further than we are. */
function aheadOf({ future, options }: Memory, set: ValidatorSet, validator: number): SignedVote[] {
  const claimed = future.votesOf(validator).slice(0, MAX_AHEAD_CHECKED);
  return claimed.filter((vote) => isSignedVote(options, set, vote)).slice(0, MAX_ANSWERED_AHEAD);
}

export function isSignedVote(
  { chainId, scheme }: Pick<ConsensusOptions, 'chainId' | 'scheme'>,
  set: ValidatorSet,
  vote: SignedVote,
): boolean {
  const publicKey = set[vote.validator]?.blsPublicKey;
  const message = messageSignBytes(chainId, vote);
  return publicKey !== undefined && scheme.verify({ message, publicKey, signature: vote.signature });
}
