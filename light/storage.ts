/** Where Solidity keeps mappings and lists in a contract's storage, and how it packs values into words. */
import { concatBytes, keccak256, toHex, uintBytes } from '../core/index.ts';

/** Slot in an element, offset from the low end of the word, length; bytes. */
export type StorageField = readonly [slot: bigint, offset: number, bytes: number];

const WORD = 1n << 256n;

/** First slot of the value under a number as key. */
export const mappingSlot = (slot: bigint, key: bigint): bigint =>
  BigInt(toHex(keccak256(concatBytes(uintBytes(key, 32), uintBytes(slot, 32)))));

/** First slot of an element of a list; its length is at `slot` itself. */
export const listSlot = (slot: bigint, index: bigint, words: bigint): bigint =>
  (BigInt(toHex(keccak256(uintBytes(slot, 32)))) + index * words) % WORD;

/** The field's value, given the word in which it lies. */
export const fieldIn = (word: bigint, [, offset, bytes]: StorageField): bigint =>
  (word >> BigInt(8 * offset)) & ((1n << BigInt(8 * bytes)) - 1n);
