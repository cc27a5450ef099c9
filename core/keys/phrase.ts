/** The recovery phrase (BIP-39, English, 24 words): making one, checking one, and its seed. */
import { generateMnemonic as generate, mnemonicToSeedWebcrypto, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { FedaiError } from '../errors.ts';

/** 24 words; 256 bits survive the loss of a word or two to an onlooker. */
const ENTROPY_BITS = 256;
const WORD_COUNTS: readonly number[] = [12, 15, 18, 21, 24];

/** A fresh recovery phrase of 24 words. */
export function generateMnemonic(): string {
  return generate(wordlist, ENTROPY_BITS);
}

/** The phrase with single blanks and lower-case letters; throws `BAD_PHRASE` saying which word or what is wrong. */
export function checkMnemonic(text: string): string {
  const words = text.normalize('NFKD').trim().toLowerCase().split(/\s+/);
  const known = new Set(wordlist);
  const unknown = words.findIndex((word) => !known.has(word));
  if (!WORD_COUNTS.includes(words.length)) {
    throw badPhrase(`it has ${words.length} words, not ${WORD_COUNTS.join(', ')}`, { got: words.length });
  }
  if (unknown >= 0) throw badPhrase(`word ${unknown + 1} is not in the word list`, { position: unknown + 1 });
  const phrase = words.join(' ');
  if (!validateMnemonic(phrase, wordlist)) throw badPhrase('its checksum does not match', {});
  return phrase;
}

/** The 64-byte seed of BIP-39 (no passphrase). */
export function mnemonicSeed(mnemonic: string): Promise<Uint8Array> {
  return mnemonicToSeedWebcrypto(checkMnemonic(mnemonic));
}

/** Never carries the words themselves. */
function badPhrase(reason: string, data: Record<string, unknown>): FedaiError {
  return new FedaiError('BAD_PHRASE', `not a recovery phrase: ${reason}`, data, {
    remedy: 'compare every word and their order with what you wrote down',
  });
}
