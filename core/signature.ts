/** Recoverable secp256k1 signatures of 32-byte hashes, in one form each. Owns no meaning of what is signed. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { publicKeyAddress } from './address.ts';
import type { Hex } from './bytes.ts';

export const SIGNATURE_BYTES = 65;

/** Recovery bit first, then r and s. */
export const signHash = (hash: Uint8Array, privateKey: Uint8Array): Uint8Array =>
  secp256k1.sign(hash, privateKey, { prehash: false, format: 'recovered' });

/** EIP-55 address of who signed; undefined for what is no signature. Low s only, so that a message has one signature of each signer. */
export function signerOf(hash: Uint8Array, signature: Uint8Array): Hex | undefined {
  try {
    const parsed = secp256k1.Signature.fromBytes(signature, 'recovered');
    if (parsed.hasHighS()) return undefined;
    return publicKeyAddress(parsed.recoverPublicKey(hash).toBytes(false));
  } catch {
    return undefined;
  }
}
