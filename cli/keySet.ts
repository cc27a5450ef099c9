/** The keys of a daemon, opened from its data directory. */
import { addressOf } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import { openKeys } from './keyFiles.ts';
import type { PartyAccess } from './options.ts';
import { readPassword } from './password.ts';

/** Opens all keystores of a party. Throws `MISSING_KEYS`, `WRONG_PASSWORD` or `BAD_KEYSTORE`. */
export async function openKeySet(options: PartyAccess, signal?: AbortSignal): Promise<KeySet> {
  const password = await readPassword(options.passwordFile);
  const purposes = ['evm', 'peer', 'nostr', 'reader', 'validator'] as const;
  const opened = await openKeys(options.dataDir, password, purposes, signal);
  const [{ x25519 }, { blsPublicKey }] = await Promise.all([
    import('@noble/curves/ed25519.js'),
    import('../core/bls/index.ts'),
  ]);
  return {
    evm: { privateKey: opened.evm, address: addressOf(opened.evm) },
    peer: { privateKey: opened.peer },
    nostr: { privateKey: opened.nostr },
    reader: { privateKey: opened.reader, publicKey: x25519.getPublicKey(opened.reader) },
    validator: { secretKey: opened.validator, publicKey: blsPublicKey(opened.validator) },
  };
}
