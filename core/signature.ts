/** Recoverable secp256k1 signatures of 32-byte hashes, in one form each. Owns no meaning of what is signed. */
import * as ecdsa from '#ecdsa';
import { publicKeyAddress } from './address.ts';
import { bytesToBigInt, concatBytes, type Hex } from './bytes.ts';

export const SIGNATURE_BYTES = 65;
/** Half the order of secp256k1 (SEC 2): s above it has a twin below. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** Recovery bit first, then r and s. */
export function signHash(hash: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const { signature, recovery } = ecdsa.signHash(hash, privateKey);
  return concatBytes(Uint8Array.of(recovery), signature);
}

/** EIP-55 address of who signed; undefined for what is no signature. Low s only, so that a message has one signature of each signer. */
export function signerOf(hash: Uint8Array, bytes: Uint8Array): Hex | undefined {
  if (bytes.length !== SIGNATURE_BYTES || bytes[0]! > 1) return undefined;
  const signature = bytes.subarray(1);
  if (bytesToBigInt(signature.subarray(32)) > HALF_ORDER) return undefined;
  try {
    return publicKeyAddress(ecdsa.recoverPublicKey(hash, { signature, recovery: bytes[0]! }));
  } catch {
    return undefined;
  }
}
