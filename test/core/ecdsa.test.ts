import { expect, test } from 'vitest';
import * as native from '../../core/ecdsa.node.ts';
import * as portable from '../../core/ecdsa.ts';
import { concatBytes, sha256, utf8 } from '../../core/index.ts';

test('the native library signs and recovers as the portable one does', () => {
  for (let i = 0; i < 10; i++) {
    const key = sha256(utf8(`key ${i}`));
    const hash = sha256(utf8(`message ${i}`));
    const signed = native.signHash(hash, key);
    expect(portable.signHash(hash, key)).toEqual(signed);
    expect(native.recoverPublicKey(hash, signed)).toEqual(portable.recoverPublicKey(hash, signed));
  }
});

test('both refuse what is no signature', () => {
  const hash = sha256(utf8('message'));
  const { signature } = native.signHash(hash, sha256(utf8('key')));
  const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
  const bad = [
    new Uint8Array(64),
    concatBytes(signature.subarray(0, 32), new Uint8Array(32)),
    concatBytes(Buffer.from(order, 'hex'), signature.subarray(32)),
    signature.subarray(1),
  ];
  for (const broken of bad) {
    expect(() => native.recoverPublicKey(hash, { signature: broken, recovery: 0 })).toThrow();
    expect(() => portable.recoverPublicKey(hash, { signature: broken, recovery: 0 })).toThrow();
  }
});
