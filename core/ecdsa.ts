/** ECDSA on secp256k1 where there is no native library (browsers): `#ecdsa` names this file or `ecdsa.node.ts`. */
import { secp256k1 } from '@noble/curves/secp256k1.js';

/** Of a 32-byte digest: r and s in 64 bytes (RFC 6979, low s), and which of the points it is. */
export interface Signed {
  signature: Uint8Array;
  recovery: number;
}

export function signHash(hash: Uint8Array, privateKey: Uint8Array): Signed {
  const bytes = secp256k1.sign(hash, privateKey, { prehash: false, format: 'recovered' });
  return { signature: bytes.subarray(1), recovery: bytes[0]! };
}

/** Uncompressed public key, 65 bytes. `recovery` is 0 or 1. Throws when no key made this signature. */
export function recoverPublicKey(hash: Uint8Array, { signature, recovery }: Signed): Uint8Array {
  return secp256k1.Signature.fromBytes(signature, 'compact')
    .addRecoveryBit(recovery)
    .recoverPublicKey(hash)
    .toBytes(false);
}
