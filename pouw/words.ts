/** Hashes that the contracts compute too: keccak256 over Solidity's abi.encode of a text and words. */
import { bytesToBigInt, concatBytes, keccak256, uintBytes, utf8 } from '../core/index.ts';

/** keccak256(abi.encode(domain, words…)) as a number: an offset word, the words, then length and text of the domain. */
export function hashedWords(domain: string, ...words: Uint8Array[]): bigint {
  const text = utf8(domain);
  const padded = new Uint8Array(Math.ceil(text.length / 32) * 32);
  padded.set(text);
  const offset = uintBytes(32 * (words.length + 1), 32);
  return bytesToBigInt(keccak256(concatBytes(offset, ...words, uintBytes(text.length, 32), padded)));
}
