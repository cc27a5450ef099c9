import { bls12_381 } from '@noble/curves/bls12-381.js';
import { describe, expect, it } from 'vitest';
import {
  blsAggregate,
  blsPublicKey,
  blsSign,
  blsVerify,
  blsVerifyAggregate,
  blsVerifyAll,
  proofOfPossession,
  verifyPossession,
} from '../../core/bls/index.ts';
import { sha256, toHex, uintBytes, utf8 } from '../../core/index.ts';

const DST = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_';
const secret = (n: number) => {
  const bytes = Uint8Array.from(sha256(uintBytes(n, 4)));
  bytes[0] = 1;
  return bytes;
};
const message = utf8('a message');

describe('BLS of validators', () => {
  it('agrees with noble on keys, signatures and aggregates', () => {
    const noble = bls12_381.longSignatures;
    const hashed = noble.hash(message, DST);
    expect(toHex(blsPublicKey(secret(1)))).toBe(toHex(noble.getPublicKey(secret(1)).toBytes()));
    expect(toHex(blsSign(message, secret(1)))).toBe(toHex(noble.sign(hashed, secret(1)).toBytes()));
    const signatures = [1, 2, 3].map((n) => blsSign(message, secret(n)));
    expect(toHex(blsAggregate(signatures))).toBe(toHex(noble.aggregateSignatures(signatures).toBytes()));
  });

  it('verifies one, many and aggregates, and refuses what is wrong or malformed', () => {
    const checks = [1, 2, 3].map((n) => ({
      message: uintBytes(n, 2),
      publicKey: blsPublicKey(secret(n)),
      signature: blsSign(uintBytes(n, 2), secret(n)),
    }));
    expect(checks.every(blsVerify)).toBe(true);
    expect(blsVerifyAll(checks)).toBe(true);
    expect(blsVerifyAll([...checks, { ...checks[0]!, message }])).toBe(false);
    expect(blsVerify({ ...checks[0]!, signature: new Uint8Array(96) })).toBe(false);
    expect(blsVerify({ ...checks[0]!, publicKey: new Uint8Array(48) })).toBe(false);
    const infinity = Uint8Array.of(0xc0, ...new Uint8Array(47));
    expect(blsVerify({ ...checks[0]!, publicKey: infinity })).toBe(false);
    const keys = checks.map((one) => one.publicKey);
    const aggregate = blsAggregate([1, 2, 3].map((n) => blsSign(message, secret(n))));
    expect(blsVerifyAggregate(message, keys, aggregate)).toBe(true);
    expect(blsVerifyAggregate(message, keys.slice(1), aggregate)).toBe(false);
    expect(blsVerifyAggregate(message, [], aggregate)).toBe(false);
  });

  it('proves possession for one account only', () => {
    const account = toHex(new Uint8Array(20).fill(7));
    const proof = proofOfPossession(secret(1), account);
    expect(verifyPossession(blsPublicKey(secret(1)), account, proof)).toBe(true);
    expect(verifyPossession(blsPublicKey(secret(2)), account, proof)).toBe(false);
    expect(verifyPossession(blsPublicKey(secret(1)), toHex(new Uint8Array(20)), proof)).toBe(false);
  });
});
