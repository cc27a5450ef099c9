/** The libp2p identity of an Ed25519 seed. Owns no key storage. */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';

/** `seed`: 32 bytes, as `core/keys` derives it. */
export function hostKey(seed: Uint8Array): Promise<PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', seed);
}

/** The peer id (base58 text, `12D3Koo…`) that a host with this seed will have. */
export async function peerIdOf(seed: Uint8Array): Promise<string> {
  return peerIdFromPrivateKey(await hostKey(seed)).toString();
}
