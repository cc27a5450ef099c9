import { describe, expect, test } from 'vitest';
import { addressOf, fromHex, type Hex, sha256, toHex, utf8 } from '../../core/index.ts';
import { recoverSigner, signDigest } from '../../market/index.ts';

const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const privateKey = sha256(utf8('signer'));
const digest = toHex(sha256(utf8('claim')));
const signature = signDigest(privateKey, digest);

function withRecovery(value: number): Hex {
  const bytes = fromHex(signature);
  bytes[64] = value;
  return toHex(bytes);
}

describe('signatures of claims and scores', () => {
  test('name their signer', () => {
    expect(recoverSigner(digest, signature)).toBe(addressOf(privateKey));
  });

  test('count in the one form that the contract takes', () => {
    const recovery = fromHex(signature)[64]!;
    for (const other of [recovery - 27, recovery + 8, 35 + recovery - 27, 255])
      expect(() => recoverSigner(digest, withRecovery(other))).toThrow('not a recoverable');
    const s = CURVE_ORDER - BigInt(`0x${signature.slice(66, 130)}`);
    const flipped = recovery === 27 ? '1c' : '1b';
    const high = `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${flipped}` as Hex;
    expect(() => recoverSigner(digest, high)).toThrow('not a recoverable');
  });
});
