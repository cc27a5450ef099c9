/** Hash, weights and quorum of a validator set. Where sets come from (Staking, epochs) is not its business. */
import { encode } from '@ethereumjs/rlp';
import { fromHex, keccak256 } from '../core/index.ts';
import type { ValidatorSet } from './types.ts';

/** A set serves an epoch and is hashed for each block of it. */
const hashes = new WeakMap<ValidatorSet, Uint8Array>();

/** Keccak-256 of RLP [[address, blsPublicKey, power], …] in set order, 32 bytes. */
export function validatorSetHash(set: ValidatorSet): Uint8Array {
  const known = hashes.get(set);
  if (known !== undefined) return known;
  const hash = keccak256(encode(set.map((one) => [fromHex(one.address, 20), one.blsPublicKey, one.power])));
  hashes.set(set, hash);
  return hash;
}

export function totalPower(set: ValidatorSet): bigint {
  return set.reduce((total, one) => total + one.power, 0n);
}

/** More than two thirds of all power. */
export const isQuorum = (power: bigint, total: bigint): boolean => 3n * power > 2n * total;

/** More than one third of all power: at least one correct validator is among them. */
export const hasCorrectOne = (power: bigint, total: bigint): boolean => 3n * power > total;
