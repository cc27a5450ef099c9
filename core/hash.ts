/** The two hashes of fedai: SHA-256 for content, states and models; Keccak-256 where Ethereum prescribes it. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

/** Node's own SHA-256 is several times as fast as any in JavaScript; browsers have none that answers at once. */
const native = globalThis.process?.getBuiltinModule?.('node:crypto');

export const sha256: (bytes: Uint8Array) => Uint8Array =
  native === undefined
    ? (bytes) => nobleSha256(bytes)
    : (bytes) => new Uint8Array(native.hash('sha256', bytes, 'buffer'));
export const keccak256 = (bytes: Uint8Array): Uint8Array => keccak_256(bytes);

/** HMAC-SHA-256 (RFC 2104): to all but the holder of `key` its values are random. */
export const hmacSha256 = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  hmac(nobleSha256, key, message);
