/** Every key of one party, derived from its recovery phrase by standard paths. Owns no storage (that is keystore.ts). */
import { HDKey } from '@scure/bip32';
import { addressOf } from '../address.ts';
import type { Hex } from '../bytes.ts';
import { FedaiError } from '../errors.ts';
import { mnemonicSeed } from './phrase.ts';
import { slip10Key } from './slip10.ts';

export interface KeySet {
  /** secp256k1; `address` carries the EIP-55 checksum. */
  evm: { privateKey: Uint8Array; address: Hex };
  /** Seed (32 bytes) of the Ed25519 identity of libp2p. */
  peer: { privateKey: Uint8Array };
  /** secp256k1, NIP-06. */
  nostr: { privateKey: Uint8Array };
  /** BLS12-381, public keys in G1 (48 bytes compressed). */
  validator: { secretKey: Uint8Array; publicKey: Uint8Array };
  /** X25519; data keys are wrapped to it. */
  reader: { privateKey: Uint8Array; publicKey: Uint8Array };
}

/** Paths of account number `account` (from 0). No standard names a libp2p or X25519 path: those two are ours. */
export function keyPaths(account: number) {
  return {
    evm: `m/44'/60'/0'/0/${account}`,
    nostr: `m/44'/1237'/${account}'/0/0`,
    validator: `m/12381/3600/${account}/0/0`,
    peer: `m/44'/60'/${account}'/0'/0'`,
    reader: `m/44'/60'/${account}'/0'/0'`,
  } as const;
}

/**
 * Derives account number `account` of a phrase: BIP-44 (EVM), NIP-06 (Nostr), EIP-2334 (validator), SLIP-0010 (peer,
 * reader). Throws `BAD_PHRASE`.
 */
export async function deriveKeys(mnemonic: string, account = 0): Promise<KeySet> {
  if (!Number.isSafeInteger(account) || account < 0 || account >= 2 ** 31) {
    throw new FedaiError('OUT_OF_RANGE', 'account number is out of range', { got: account });
  }
  const seed = await mnemonicSeed(mnemonic);
  const paths = keyPaths(account);
  const evmKey = bip32Key(seed, paths.evm);
  const readerKey = slip10Key('curve25519 seed', seed, paths.reader);
  // Loaded here alone: daemons open keystores and never derive, and pairing curves cost start-up time.
  const [{ deriveKeyFromEntropy }, { bls12_381 }, { x25519 }] = await Promise.all([
    import('@chainsafe/bls-keygen'),
    import('@noble/curves/bls12-381.js'),
    import('@noble/curves/ed25519.js'),
  ]);
  const blsKey = Uint8Array.from(deriveKeyFromEntropy(seed, paths.validator));
  return {
    evm: { privateKey: evmKey, address: addressOf(evmKey) },
    peer: { privateKey: slip10Key('ed25519 seed', seed, paths.peer) },
    nostr: { privateKey: bip32Key(seed, paths.nostr) },
    validator: {
      secretKey: blsKey,
      publicKey: bls12_381.longSignatures.getPublicKey(blsKey).toBytes(true),
    },
    reader: { privateKey: readerKey, publicKey: x25519.getPublicKey(readerKey) },
  };
}

function bip32Key(seed: Uint8Array, path: string): Uint8Array {
  const { privateKey } = HDKey.fromMasterSeed(seed).derive(path);
  if (!privateKey) throw new FedaiError('BAD_PATH', 'path has no private key', { got: path });
  return privateKey;
}
