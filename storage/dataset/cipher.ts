/** AES-256-GCM of one shard. The associated data binds a shard to its data set and place, so shards cannot be swapped. */
import { concatBytes, FedaiError, uintBytes, utf8 } from '../../core/index.ts';
import { MAX_SHARD_BYTES } from '../../job/index.ts';

/** The nonce goes in front of the ciphertext, AES-GCM appends a tag. */
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
/** Of one shard as it lies in a store, encrypted or not. */
export const MAX_STORED_SHARD_BYTES = MAX_SHARD_BYTES + NONCE_BYTES + TAG_BYTES;

export interface ShardPlace {
  /** Plaintext Merkle root of the whole set, 32 bytes. */
  plaintextRoot: Uint8Array;
  index: number;
  shards: number;
}

const associatedData = (place: ShardPlace) =>
  concatBytes(
    utf8('fedai-shard/1'),
    place.plaintextRoot,
    uintBytes(place.index, 4),
    uintBytes(place.shards, 4),
  );

async function importKey(key: Uint8Array): Promise<CryptoKey> {
  if (key.length !== 32) {
    throw new FedaiError('BAD_KEY', 'a data key has 32 bytes', { got: key.length, expected: 32 });
  }
  return crypto.subtle.importKey('raw', new Uint8Array(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** Nonce, ciphertext, tag. The nonce is random: one key encrypts at most 65 536 shards, far below its bound. */
export async function sealShard(key: Uint8Array, place: ShardPlace, plain: Uint8Array): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const algorithm = { name: 'AES-GCM', iv, additionalData: new Uint8Array(associatedData(place)) };
  const sealed = await crypto.subtle.encrypt(algorithm, await importKey(key), new Uint8Array(plain));
  return concatBytes(iv, new Uint8Array(sealed));
}

/** Throws `DECRYPT_FAILED` when the key, the place or a byte is wrong. */
export async function openShard(key: Uint8Array, place: ShardPlace, sealed: Uint8Array): Promise<Uint8Array> {
  const fail = (cause?: unknown) =>
    new FedaiError(
      'DECRYPT_FAILED',
      'a shard does not open with this key',
      { shard: place.index },
      { cause, remedy: 'check that the key belongs to this data set' },
    );
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw fail();
  const algorithm = {
    name: 'AES-GCM',
    iv: new Uint8Array(sealed.subarray(0, NONCE_BYTES)),
    additionalData: new Uint8Array(associatedData(place)),
  };
  const cryptoKey = await importKey(key);
  try {
    const plain = await crypto.subtle.decrypt(
      algorithm,
      cryptoKey,
      new Uint8Array(sealed.subarray(NONCE_BYTES)),
    );
    return new Uint8Array(plain);
  } catch (cause) {
    throw fail(cause);
  }
}
