/** The two hashes of fedai: SHA-256 for content, states and models; Keccak-256 where Ethereum prescribes it. */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

export const sha256 = (bytes: Uint8Array): Uint8Array => nobleSha256(bytes);
export const keccak256 = (bytes: Uint8Array): Uint8Array => keccak_256(bytes);
