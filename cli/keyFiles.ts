/**
 * The `keys` folder of a data directory: one encrypted keystore a purpose, and `public.json` with what others may know.
 * Readable by its owner alone.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError, type Hex, toHex } from '../core/index.ts';
import {
  deriveKeys,
  type KdfCost,
  keyPaths,
  openKeystore,
  sealEip2335Keystore,
  sealWeb3Keystore,
} from '../core/keys/index.ts';

/** What a party tells others about itself. */
export interface PublicKeys {
  format: 'fedai-keys/1';
  address: Hex;
  peerId: string;
  /** X25519, 32 bytes. */
  readerKey: Hex;
  /** BLS12-381 in G1, 48 bytes, and the proof that its holder is `address`, 96 bytes. */
  blsPublicKey: Hex;
  proofOfPossession: Hex;
}

export type KeyPurpose = 'evm' | 'peer' | 'nostr' | 'reader' | 'validator';

const folderOf = (dataDir: string): string => join(dataDir, 'keys');
const fileOf = (dataDir: string, name: string): string => join(folderOf(dataDir), `${name}.json`);

export interface WriteKeysInput {
  dataDir: string;
  mnemonic: string;
  /** Number of the account under the phrase. */
  account: number;
  password: string;
  cost: KdfCost;
}

/** Derives and stores all keys of one account. Throws `EXISTS` rather than overwrite, and leaves nothing half-written. */
export async function writeKeys(input: WriteKeysInput): Promise<PublicKeys> {
  const folder = folderOf(input.dataDir);
  if (existsSync(folder)) {
    throw new FedaiError(
      'EXISTS',
      'there are keys in this data directory already',
      { folder },
      {
        remedy: 'choose another --data-dir, or move the old keys away',
      },
    );
  }
  const files = await keyFiles(input);
  const fresh = `${folder}.${process.pid}.new`;
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  await chmod(input.dataDir, 0o700);
  try {
    for (const [name, text] of Object.entries(files.content)) {
      await writeFile(join(fresh, `${name}.json`), `${text}\n`, { mode: 0o600, flush: true });
    }
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  return files.publicKeys;
}

async function keyFiles({ mnemonic, account, password, cost }: WriteKeysInput) {
  const keys = await deriveKeys(mnemonic, account);
  const [{ proofOfPossession }, { peerIdOf }] = await Promise.all([
    import('../core/bls/index.ts'),
    import('../net/index.ts'),
  ]);
  const publicKeys: PublicKeys = {
    format: 'fedai-keys/1',
    address: keys.evm.address,
    peerId: await peerIdOf(keys.peer.privateKey),
    readerKey: toHex(keys.reader.publicKey),
    blsPublicKey: toHex(keys.validator.publicKey),
    proofOfPossession: toHex(proofOfPossession(keys.validator.secretKey, keys.evm.address)),
  };
  const web3 = (secret: Uint8Array, description: string, address?: Hex) =>
    sealWeb3Keystore(secret, password, { cost, description, ...(address && { address }) });
  const content: Record<KeyPurpose | 'public', string> = {
    evm: await web3(keys.evm.privateKey, 'EVM account', keys.evm.address),
    peer: await web3(keys.peer.privateKey, `libp2p identity ${publicKeys.peerId}`),
    nostr: await web3(keys.nostr.privateKey, 'Nostr key'),
    reader: await web3(keys.reader.privateKey, `reader key ${publicKeys.readerKey}`),
    validator: await sealEip2335Keystore(keys.validator.secretKey, password, {
      publicKey: keys.validator.publicKey,
      path: keyPaths(account).validator,
      cost,
    }),
    public: JSON.stringify(publicKeys, null, 2),
  };
  return { publicKeys, content };
}

/** Opens the secrets of the given purposes, about a second each. Throws `MISSING_KEYS`, `WRONG_PASSWORD` or `BAD_KEYSTORE`. */
export async function openKeys<P extends KeyPurpose>(
  dataDir: string,
  password: string,
  purposes: readonly P[],
  signal?: AbortSignal,
): Promise<Record<P, Uint8Array>> {
  const opened = {} as Record<P, Uint8Array>;
  for (const purpose of purposes) {
    // Deriving a key holds the thread: signals are heard between two of them.
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    const text = await readKeyFile(dataDir, purpose);
    opened[purpose] = await openKeystore(text, password).catch((error: unknown) => {
      throw nameFile(error, fileOf(dataDir, purpose));
    });
  }
  return opened;
}

/** The file goes into the error, and what to do when the password is right and the file is not. */
function nameFile(error: unknown, file: string): unknown {
  if (!(error instanceof FedaiError)) return error;
  const remedy = `${error.remedy}; if the file is damaged, restore it, or make the keys again with \`fedai key new --recover\``;
  return new FedaiError(error.code, error.message, { ...error.data, file }, { cause: error.cause, remedy });
}

/** Throws `MISSING_KEYS` or `BAD_KEYS`. */
/** Whether the key is kept here; its owner may hold it elsewhere. */
export const hasKey = (dataDir: string, purpose: KeyPurpose): boolean =>
  existsSync(join(folderOf(dataDir), `${purpose}.json`));

export async function readPublicKeys(dataDir: string): Promise<PublicKeys> {
  const text = await readKeyFile(dataDir, 'public');
  let cause: unknown;
  try {
    const keys = JSON.parse(text) as PublicKeys;
    if (keys.format === 'fedai-keys/1') return keys;
  } catch (error) {
    cause = error;
  }
  throw new FedaiError(
    'BAD_KEYS',
    'the file of public keys is damaged',
    { file: fileOf(dataDir, 'public') },
    {
      cause,
      remedy: 'restore it, or make the keys again from the recovery phrase: `fedai key new --recover`',
    },
  );
}

async function readKeyFile(dataDir: string, name: string): Promise<string> {
  const file = fileOf(dataDir, name);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new FedaiError(
      'MISSING_KEYS',
      'there are no keys in this data directory',
      { file },
      {
        cause,
        remedy: `make some with \`fedai key new --data-dir ${dataDir}\``,
      },
    );
  }
}
