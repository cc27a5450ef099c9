/** Signatures that only cost a hash: for schedules in which nobody uses another's key. Aggregates by exclusive or. */
import { hash } from 'node:crypto';
import type { SignatureScheme } from '../../../chain/consensus/types.ts';
import { concatBytes, equalBytes } from '../../../core/index.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');

const widen = (hash: Uint8Array, length: number): Uint8Array => {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = hash[i % 32]! ^ Math.floor(i / 32);
  return out;
};

const signatureOf = (publicKey: Uint8Array, message: Uint8Array): Uint8Array =>
  widen(sha256(concatBytes(publicKey, message)), 96);

const xor = (parts: readonly Uint8Array[]): Uint8Array =>
  parts.reduce((sum, part) => sum.map((byte, i) => byte ^ part[i]!), new Uint8Array(96));

const publicKeyOf = (secretKey: Uint8Array): Uint8Array => widen(sha256(secretKey), 48);

export const cheapScheme: SignatureScheme = {
  publicKey: publicKeyOf,
  sign: (message, secretKey) => signatureOf(publicKeyOf(secretKey), message),
  verify: ({ message, publicKey, signature }) => equalBytes(signature, signatureOf(publicKey, message)),
  verifyAll: (checks) => checks.every((check) => cheapScheme.verify(check)),
  aggregate: xor,
  verifyAggregate: (message, publicKeys, signature) =>
    publicKeys.length > 0 && equalBytes(signature, xor(publicKeys.map((key) => signatureOf(key, message)))),
};
