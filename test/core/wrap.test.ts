import { x25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { unwrapKey, utf8, WRAPPED_KEY_BYTES, wrapKey } from '../../core/index.ts';

describe('wrapped keys', () => {
  const reader = new Uint8Array(32).fill(3);
  const publicKey = x25519.getPublicKey(reader);
  const key = new Uint8Array(32).fill(42);
  const context = utf8('job 1');

  it('open for their reader in their context', async () => {
    const wrapped = await wrapKey(publicKey, key, context);
    expect(wrapped).toHaveLength(WRAPPED_KEY_BYTES);
    expect(await unwrapKey(reader, wrapped, context)).toEqual(key);
    expect(await wrapKey(publicKey, key, context)).not.toEqual(wrapped);
  });

  it('open for nobody else, nowhere else and not when changed', async () => {
    const wrapped = await wrapKey(publicKey, key, context);
    const changed = wrapped.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
    const closed = { code: 'CANNOT_UNWRAP', remedy: expect.any(String) };
    await expect(unwrapKey(new Uint8Array(32).fill(4), wrapped, context)).rejects.toMatchObject(closed);
    await expect(unwrapKey(reader, wrapped, utf8('job 2'))).rejects.toMatchObject(closed);
    await expect(unwrapKey(reader, changed, context)).rejects.toMatchObject(closed);
    await expect(unwrapKey(reader, wrapped.slice(1), context)).rejects.toMatchObject(closed);
  });

  it('are only made of 32-byte keys for real X25519 keys', async () => {
    await expect(wrapKey(publicKey, key.slice(1), context)).rejects.toMatchObject({ code: 'BAD_KEY' });
    await expect(wrapKey(new Uint8Array(31), key, context)).rejects.toMatchObject({ code: 'BAD_READER_KEY' });
    await expect(wrapKey(new Uint8Array(32), key, context)).rejects.toMatchObject({ code: 'BAD_READER_KEY' });
  });

  it('agree with the vector A.1 family of RFC 9180: key of the recipient', () => {
    const secret = Uint8Array.from(
      Buffer.from('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8', 'hex'),
    );
    expect(Buffer.from(x25519.getPublicKey(secret)).toString('hex')).toBe(
      '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
    );
  });
});
