/** EIP-712 messages that workers and evaluators sign, and the commitment to a score. */
import { AbiCoder, keccak256, Signature, SigningKey, type TypedDataDomain, TypedDataEncoder } from 'ethers';
import { FedaiError, fromHex, type Hex, publicKeyAddress, recoverPublicKey, toHex } from '../core/index.ts';
import { cidToBytes } from './cidBytes.ts';
import type { RoundClaim, Score } from './types.ts';

/** Names and order are part of the contract's type hashes. */
export const roundClaimTypes = {
  RoundClaim: [
    { name: 'jobId', type: 'uint256' },
    { name: 'round', type: 'uint32' },
    { name: 'stateRoot', type: 'bytes32' },
    { name: 'stateCid', type: 'bytes' },
    { name: 'contributors', type: 'uint256' },
    { name: 'loss', type: 'int64' },
  ],
};

export const scoreTypes = {
  Score: [
    { name: 'jobId', type: 'uint256' },
    { name: 'correct', type: 'uint32' },
    { name: 'total', type: 'uint32' },
    { name: 'outputsRoot', type: 'bytes32' },
    { name: 'modelHash', type: 'bytes32' },
    { name: 'verdict', type: 'uint8' },
  ],
};

/** Where a signature counts. */
export interface SigningDomain {
  chainId: bigint;
  jobManager: Hex;
}

const ethersDomain = ({ chainId, jobManager }: SigningDomain): TypedDataDomain => ({
  name: 'fedai',
  version: '1',
  chainId,
  verifyingContract: jobManager,
});

export function roundClaimDigest(
  domain: SigningDomain,
  jobId: bigint,
  round: number,
  claim: RoundClaim,
): Hex {
  const { stateRoot, stateCid, contributors, loss } = claim;
  const value = { jobId, round, stateRoot, stateCid: cidToBytes(stateCid), contributors, loss };
  return TypedDataEncoder.hash(ethersDomain(domain), roundClaimTypes, value) as Hex;
}

export function scoreDigest(domain: SigningDomain, jobId: bigint, score: Score): Hex {
  return TypedDataEncoder.hash(ethersDomain(domain), scoreTypes, { jobId, ...score }) as Hex;
}

/** 65-byte recoverable signature of a digest. */
export function signDigest(privateKey: Uint8Array, digest: Hex): Hex {
  return new SigningKey(toHex(privateKey)).sign(digest).serialized as Hex;
}

/**
 * Checksummed address of the signer; throws `BAD_SIGNATURE`, also on forms that the contract refuses (v other than 27 or
 * 28, high s): one such signature among a majority's would make the whole claim fail.
 */
export function recoverSigner(digest: Hex, signature: Hex): Hex {
  try {
    if (Signature.from(signature).serialized !== signature) throw new RangeError('not in canonical form');
    const bytes = fromHex(signature, 65);
    const made = { signature: bytes.subarray(0, 64), recovery: bytes[64]! - 27 };
    return publicKeyAddress(recoverPublicKey(fromHex(digest, 32), made));
  } catch (cause) {
    throw new FedaiError('BAD_SIGNATURE', 'not a recoverable secp256k1 signature', { signature }, { cause });
  }
}

/** What `commitScore` takes: keccak256(abi.encode(jobId, evaluator, score fields, salt)). */
export function scoreCommitment(jobId: bigint, evaluator: Hex, score: Score, salt: Hex): Hex {
  const types = ['uint256', 'address', 'uint32', 'uint32', 'bytes32', 'bytes32', 'uint8', 'bytes32'];
  const { correct, total, outputsRoot, modelHash, verdict } = score;
  const values = [jobId, evaluator, correct, total, outputsRoot, modelHash, verdict, salt];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values)) as Hex;
}
