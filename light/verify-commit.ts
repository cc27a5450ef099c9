/** Checks block commits against a validator set that the caller trusts. BLS by pure JavaScript, so that browsers can. */
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { equalBytes } from '../core/index.ts';
import { decodeBitmap } from './commit.ts';
import type { BlockCommit, Checked, Validator, ValidatorSet } from './types.ts';
import { isQuorum, totalPower } from './validators.ts';
import { voteSignBytes } from './votes.ts';

export interface CommitClaim {
  chainId: bigint;
  /** The set whose votes decide `height`. */
  set: ValidatorSet;
  commit: BlockCommit;
  /** What the commit must be for; 32 bytes. */
  blockHash: Uint8Array;
  height: number;
}

/** Proof-of-possession ciphersuite of draft-irtf-cfrg-bls-signature, minimal public keys. */
const CIPHERSUITE = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_';

/** Everything but the signature: right height and block, canonical bitmap, more than two thirds of the power. */
export function commitSigners(
  claim: CommitClaim,
): { ok: true; validators: Validator[] } | { ok: false; reason: string } {
  const { set, commit, blockHash, height } = claim;
  if (commit.height !== height)
    return { ok: false, reason: `commit is for height ${commit.height}, not ${height}` };
  if (!equalBytes(commit.blockHash, blockHash)) return { ok: false, reason: 'commit is for another block' };
  const indices = decodeBitmap(commit.bitmap, set.length);
  if (indices === undefined) return { ok: false, reason: 'bitmap does not fit the validator set' };
  const validators = indices.map((index) => set[index]!);
  return isQuorum(totalPower(validators), totalPower(set))
    ? { ok: true, validators }
    : { ok: false, reason: 'signers hold no more than two thirds of the power' };
}

export function verifyCommit(claim: CommitClaim): Checked {
  const signers = commitSigners(claim);
  if (!signers.ok) return signers;
  const { height, round, blockHash } = claim.commit;
  const message = voteSignBytes({ chainId: claim.chainId, type: 'precommit', height, round, blockHash });
  const keys = signers.validators.map((one) => one.blsPublicKey);
  return verifyAggregate(message, keys, claim.commit.signature)
    ? { ok: true }
    : { ok: false, reason: 'aggregate signature does not verify' };
}

/** False also for malformed points and points outside the prime-order groups. */
function verifyAggregate(message: Uint8Array, keys: readonly Uint8Array[], signature: Uint8Array): boolean {
  const scheme = bls12_381.longSignatures;
  try {
    const points = keys.map((key) => {
      const point = bls12_381.G1.Point.fromBytes(key);
      point.assertValidity();
      return point;
    });
    const signed = scheme.Signature.fromBytes(signature);
    signed.assertValidity();
    return scheme.verify(signed, scheme.hash(message, CIPHERSUITE), scheme.aggregatePublicKeys(points));
  } catch {
    return false;
  }
}
