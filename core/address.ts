/** EVM addresses of secp256k1 keys. Owns no derivation from phrases (that is keys/). */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { type Hex, toHex, utf8 } from './bytes.ts';
import { keccak256 } from './hash.ts';

/** EIP-55 address of a secp256k1 private key. */
export function addressOf(privateKey: Uint8Array): Hex {
  return publicKeyAddress(secp256k1.getPublicKey(privateKey, false));
}

/** EIP-55 address of an uncompressed (65-byte) secp256k1 public key. */
export function publicKeyAddress(publicKey: Uint8Array): Hex {
  const plain = toHex(keccak256(publicKey.subarray(1)).subarray(12)).slice(2);
  const digest = toHex(keccak256(utf8(plain))).slice(2);
  const cased = [...plain].map((letter, i) =>
    Number.parseInt(digest[i]!, 16) >= 8 ? letter.toUpperCase() : letter,
  );
  return `0x${cased.join('')}`;
}
