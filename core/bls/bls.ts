/**
 * BLS12-381 signatures of validators (48-byte keys, 96-byte signatures, proof-of-possession scheme), by the native
 * blst library. Browsers verify with light/ instead.
 */
import {
  aggregateSerializedSignatures,
  fastAggregateVerify as nativeFastAggregateVerify,
  verify as nativeVerify,
  PublicKey,
  SecretKey,
  Signature,
  verifyMultipleAggregateSignatures,
} from '@chainsafe/blst';
import { concatBytes, FedaiError, fromHex, type Hex, toHex, utf8 } from '../index.ts';

export interface BlsCheck {
  publicKey: Uint8Array;
  message: Uint8Array;
  signature: Uint8Array;
}

/** Decoded and group-checked keys; a check costs as much as a tenth of a verification. Bounded far above any set. */
const MAX_CACHED_KEYS = 4096;
const keyCache = new Map<Hex, PublicKey>();

function decodeKey(bytes: Uint8Array): PublicKey {
  const id = toHex(bytes);
  const cached = keyCache.get(id);
  if (cached) return cached;
  const key = PublicKey.fromBytes(bytes, true);
  if (keyCache.size >= MAX_CACHED_KEYS) keyCache.clear();
  keyCache.set(id, key);
  return key;
}

/** `secretKey` is 32 bytes, big-endian, below the group order; throws `BAD_KEY`. */
function decodeSecret(secretKey: Uint8Array): SecretKey {
  try {
    return SecretKey.fromBytes(secretKey);
  } catch (cause) {
    throw new FedaiError('BAD_KEY', 'not a BLS12-381 secret key', { bytes: secretKey.length }, { cause });
  }
}

/** 48 bytes, compressed G1. */
export const blsPublicKey = (secretKey: Uint8Array): Uint8Array =>
  decodeSecret(secretKey).toPublicKey().toBytes();

/** 96 bytes, compressed G2, ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_. */
export const blsSign = (message: Uint8Array, secretKey: Uint8Array): Uint8Array =>
  decodeSecret(secretKey).sign(message).toBytes();

const orFalse = (check: () => boolean): boolean => {
  try {
    return check();
  } catch {
    return false;
  }
};

/** False also for malformed keys and signatures. */
export function blsVerify({ message, publicKey, signature }: BlsCheck): boolean {
  return orFalse(() => nativeVerify(message, decodeKey(publicKey), Signature.fromBytes(signature, true)));
}

/** Whether all hold; one failure says nothing about the others. True for none. */
export function blsVerifyAll(checks: readonly BlsCheck[]): boolean {
  if (checks.length === 0) return true;
  return orFalse(() =>
    verifyMultipleAggregateSignatures(
      checks.map(({ message, publicKey, signature }) => ({
        msg: message,
        pk: decodeKey(publicKey),
        sig: Signature.fromBytes(signature, true),
      })),
    ),
  );
}

/** Sum of signatures, each group-checked; throws `BAD_SIGNATURE`. */
export function blsAggregate(signatures: readonly Uint8Array[]): Uint8Array {
  try {
    return aggregateSerializedSignatures([...signatures], true).toBytes();
  } catch (cause) {
    throw new FedaiError(
      'BAD_SIGNATURE',
      'signatures do not aggregate',
      { count: signatures.length },
      { cause },
    );
  }
}

/** One aggregate signature of one message by all of `publicKeys`; false for no keys. */
export function blsVerifyAggregate(
  message: Uint8Array,
  publicKeys: readonly Uint8Array[],
  signature: Uint8Array,
): boolean {
  if (publicKeys.length === 0) return false;
  return orFalse(() =>
    nativeFastAggregateVerify(message, publicKeys.map(decodeKey), Signature.fromBytes(signature, true)),
  );
}

const POSSESSION_DOMAIN = utf8('fedai-possession/1');

/** domain ‖ account 20 ‖ public key 48: bound to the account, so that nobody registers a key that another one proved. */
const possessionBytes = (account: Hex, publicKey: Uint8Array): Uint8Array =>
  concatBytes(POSSESSION_DOMAIN, fromHex(account, 20), publicKey);

/** Shown at registration: without it a chosen key could cancel others in an aggregate. 96 bytes. */
export function proofOfPossession(secretKey: Uint8Array, account: Hex): Uint8Array {
  return blsSign(possessionBytes(account, blsPublicKey(secretKey)), secretKey);
}

export function verifyPossession(publicKey: Uint8Array, account: Hex, proof: Uint8Array): boolean {
  return blsVerify({ message: possessionBytes(account, publicKey), publicKey, signature: proof });
}
