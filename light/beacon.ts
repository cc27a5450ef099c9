/** The random beacon that `mixHash` carries (RANDAO): one hash step a block. Signatures of reveals are checked by consensus. */
import { concatBytes, keccak256 } from '../core/index.ts';

/** Beacon of a block from its parent's and the reveal in its section (empty when created in a later round); 32 bytes. */
export function nextBeacon(parentBeacon: Uint8Array, randaoReveal: Uint8Array): Uint8Array {
  return keccak256(concatBytes(parentBeacon, randaoReveal));
}
