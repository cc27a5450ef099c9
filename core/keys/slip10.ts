/** SLIP-0010 derivation for the 25519 curves, on which only hardened children exist. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, uintBytes, utf8 } from '../bytes.ts';
import { FedaiError } from '../errors.ts';

const HARDENED = 0x80000000;

/** Domain words of SLIP-0010: the same path gives unrelated keys on the two curves. */
export type Slip10Curve = 'ed25519 seed' | 'curve25519 seed';

/** 32-byte private key at a path such as `m/44'/60'/0'`; throws `BAD_PATH` when a component is not hardened. */
export function slip10Key(curve: Slip10Curve, seed: Uint8Array, path: string): Uint8Array {
  let node = hmac(sha512, utf8(curve), seed);
  for (const component of path.split('/').slice(1)) {
    if (!/^\d{1,9}'$/.test(component)) {
      throw new FedaiError('BAD_PATH', 'only hardened children exist on this curve', { got: path });
    }
    const index = uintBytes(HARDENED + Number(component.slice(0, -1)), 4);
    node = hmac(sha512, node.slice(32), concatBytes(Uint8Array.of(0), node.slice(0, 32), index));
  }
  return node.slice(0, 32);
}
