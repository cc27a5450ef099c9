/** Makes and checks block commits with the node's signature scheme. Light clients check with light/verifyCommit. */
import { equalBytes, FedaiError, fromHex } from '../../core/index.ts';
import {
  type BlockCommit,
  type Checked,
  type CommitClaim,
  commitSigners,
  encodeBitmap,
  isQuorum,
  totalPower,
  voteSignBytes,
} from '../../light/index.ts';
import type { HeightContext } from './height.ts';
import type { BlockId } from './machine-state.ts';
import type { SignatureScheme } from './types.ts';
import type { VoteBook } from './vote-book.ts';

/** Aggregates the precommits of (round, id) in `book`; throws `NO_QUORUM` when they are too few. */
export function makeCommit(
  scheme: SignatureScheme,
  context: HeightContext,
  book: VoteBook,
  decided: { round: number; id: BlockId },
): BlockCommit {
  const blockHash = fromHex(decided.id);
  const votes = book
    .votesFor('precommit', decided.round, blockHash)
    .sort((a, b) => a.validator - b.validator);
  const power = votes.reduce((sum, vote) => sum + context.set[vote.validator]!.power, 0n);
  if (!isQuorum(power, totalPower(context.set)))
    throw new FedaiError('NO_QUORUM', 'decided without +2/3 precommits', { ...decided, power });
  return {
    height: context.height,
    round: decided.round,
    blockHash,
    bitmap: encodeBitmap(
      votes.map((vote) => vote.validator),
      context.set.length,
    ),
    signature: scheme.aggregate(votes.map((vote) => vote.signature)),
  };
}

/** Same verdict as light/verifyCommit, with the given scheme. */
export function checkCommit(scheme: SignatureScheme, claim: CommitClaim): Checked {
  const signers = commitSigners(claim);
  if (!signers.ok) return signers;
  const { chainId, commit } = claim;
  const message = voteSignBytes({
    chainId,
    type: 'precommit',
    height: commit.height,
    round: commit.round,
    blockHash: commit.blockHash,
  });
  const keys = signers.validators.map((one) => one.blsPublicKey);
  return scheme.verifyAggregate(message, keys, commit.signature) &&
    equalBytes(commit.blockHash, claim.blockHash)
    ? { ok: true }
    : { ok: false, reason: 'aggregate signature does not verify' };
}
