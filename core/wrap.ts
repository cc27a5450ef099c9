/**
 * A data key wrapped to one reader: HPKE (RFC 9180) base mode, X25519, HKDF-SHA256, AES-256-GCM. Base mode does not say
 * who wrapped it; the transaction that carries it does.
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { concatBytes, utf8 } from './bytes.ts';
import { FedaiError } from './errors.ts';

const KEY_BYTES = 32;
const ENCAPSULATED_BYTES = 32;
/** Encapsulated key, cipher text, tag. */
export const WRAPPED_KEY_BYTES = ENCAPSULATED_BYTES + KEY_BYTES + 16;
const INFO = utf8('fedai-wrap/1');

function suite(): CipherSuite {
  return new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
}

/** 80 bytes that only the holder of `readerPublicKey` (32 bytes, X25519) opens, and only with the same `context`. */
export async function wrapKey(
  readerPublicKey: Uint8Array,
  key: Uint8Array,
  context: Uint8Array,
): Promise<Uint8Array> {
  if (key.length !== KEY_BYTES) {
    throw new FedaiError('BAD_KEY', 'a data key has 32 bytes', { got: key.length, expected: KEY_BYTES });
  }
  try {
    const hpke = suite();
    const recipientPublicKey = await hpke.kem.deserializePublicKey(buffer(readerPublicKey));
    const sender = await hpke.createSenderContext({ recipientPublicKey, info: buffer(INFO) });
    const sealed = await sender.seal(buffer(key), buffer(context));
    return concatBytes(new Uint8Array(sender.enc), new Uint8Array(sealed));
  } catch (cause) {
    throw new FedaiError(
      'BAD_READER_KEY',
      'cannot wrap to this reader key',
      {},
      {
        cause,
        remedy: 'the reader must register a 32-byte X25519 public key',
      },
    );
  }
}

/** The key in `wrapped`; throws `CANNOT_UNWRAP` for another reader, another context or changed bytes. */
export async function unwrapKey(
  readerPrivateKey: Uint8Array,
  wrapped: Uint8Array,
  context: Uint8Array,
): Promise<Uint8Array> {
  try {
    if (wrapped.length !== WRAPPED_KEY_BYTES) {
      throw new FedaiError('BAD_LENGTH', 'wrong length', {
        got: wrapped.length,
        expected: WRAPPED_KEY_BYTES,
      });
    }
    const hpke = suite();
    const recipientKey = await hpke.kem.importKey('raw', buffer(readerPrivateKey), false);
    const enc = buffer(wrapped.subarray(0, ENCAPSULATED_BYTES));
    const recipient = await hpke.createRecipientContext({ recipientKey, enc, info: buffer(INFO) });
    const opened = await recipient.open(buffer(wrapped.subarray(ENCAPSULATED_BYTES)), buffer(context));
    return new Uint8Array(opened);
  } catch (cause) {
    throw new FedaiError(
      'CANNOT_UNWRAP',
      'the wrapped key does not open for this reader',
      {},
      {
        cause,
        remedy: 'it was wrapped to another key or for another job; ask its sender to deliver it again',
      },
    );
  }
}

const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;
