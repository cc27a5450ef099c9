/**
 * Encrypted keystores as JSON text: Web3 Secret Storage v3 (EVM and other 32-byte keys) and EIP-2335 (validator keys).
 * Both are scrypt and AES-128-CTR; they differ in the check value and in what they do to the password. Owns no files.
 */
import { scrypt } from 'hash-wasm';
import { z } from 'zod';
import { concatBytes, equalBytes, toHex, utf8 } from '../bytes.ts';
import { FedaiError } from '../errors.ts';
import { keccak256, sha256 } from '../hash.ts';

/** `standard` is 256 MiB and about a second (geth's default); `light` is 4 MiB and a moment, for throw-away keys. */
export type KdfCost = 'standard' | 'light';
const SCRYPT_COST: Record<KdfCost, ScryptParams> = {
  standard: { n: 262144, r: 8, p: 1 },
  light: { n: 4096, r: 8, p: 1 },
};
interface ScryptParams {
  n: number;
  r: number;
  p: number;
}
/** A foreign file may not make us allocate more than this (128·n·r bytes), */
const MAX_SCRYPT_BYTES = 512 * 2 ** 20;
/** nor mix longer than four times what `standard` takes (n·r·p). */
const MAX_SCRYPT_WORK = 2 ** 23;
/** Keystores are about 500 bytes. */
export const MAX_KEYSTORE_CHARS = 16_384;

const hexField = (bytes?: number) =>
  z
    .string()
    .regex(bytes === undefined ? /^(?:[0-9a-f]{2}){1,64}$/i : new RegExp(`^[0-9a-f]{${bytes * 2}}$`, 'i'));
const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));
const scryptParams = z.object({
  n: z.number().int().min(2).refine(isPowerOfTwo, 'not a power of two'),
  r: z.number().int().min(1).max(256),
  p: z.number().int().min(1).max(64),
  dklen: z.literal(32),
  salt: hexField(),
});
const web3Schema = z.object({
  version: z.literal(3),
  crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    cipherparams: z.object({ iv: hexField(16) }),
    ciphertext: hexField(),
    kdf: z.literal('scrypt'),
    kdfparams: scryptParams,
    mac: hexField(32),
  }),
});
const eip2335Schema = z.object({
  version: z.literal(4),
  pubkey: z.string(),
  path: z.string(),
  crypto: z.object({
    kdf: z.object({ function: z.literal('scrypt'), params: scryptParams }),
    checksum: z.object({ function: z.literal('sha256'), message: hexField(32) }),
    cipher: z.object({
      function: z.literal('aes-128-ctr'),
      params: z.object({ iv: hexField(16) }),
      message: hexField(),
    }),
  }),
});

export interface SealOptions {
  cost?: KdfCost;
  /** Plain fields shown beside the cipher text (address, public key, path): what a person or tool may see. */
  address?: string;
  description?: string;
}

/** A secret as Web3 Secret Storage v3 JSON text. */
export async function sealWeb3Keystore(
  secret: Uint8Array,
  password: string,
  options: SealOptions = {},
): Promise<string> {
  const sealed = await encrypt(secret, utf8(password.normalize('NFKC')), options.cost ?? 'standard');
  return JSON.stringify({
    version: 3,
    id: crypto.randomUUID(),
    ...(options.address && { address: options.address.toLowerCase().replace(/^0x/, '') }),
    ...(options.description && { description: options.description }),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: bare(sealed.iv) },
      ciphertext: bare(sealed.ciphertext),
      kdf: 'scrypt',
      kdfparams: { ...sealed.params, dklen: 32, salt: bare(sealed.salt) },
      mac: bare(keccak256(concatBytes(sealed.checkKey, sealed.ciphertext))),
    },
  });
}

/** A validator's secret key as EIP-2335 JSON text. */
export async function sealEip2335Keystore(
  secret: Uint8Array,
  password: string,
  about: { publicKey: Uint8Array; path: string; description?: string; cost?: KdfCost },
): Promise<string> {
  const sealed = await encrypt(secret, eip2335Password(password), about.cost ?? 'standard');
  return JSON.stringify({
    version: 4,
    uuid: crypto.randomUUID(),
    description: about.description ?? '',
    path: about.path,
    pubkey: bare(about.publicKey),
    crypto: {
      kdf: {
        function: 'scrypt',
        params: { ...sealed.params, dklen: 32, salt: bare(sealed.salt) },
        message: '',
      },
      checksum: {
        function: 'sha256',
        params: {},
        message: bare(sha256(concatBytes(sealed.checkKey, sealed.ciphertext))),
      },
      cipher: { function: 'aes-128-ctr', params: { iv: bare(sealed.iv) }, message: bare(sealed.ciphertext) },
    },
  });
}

/** The secret of either format. Throws `BAD_KEYSTORE` (not such a file) or `WRONG_PASSWORD`. */
export async function openKeystore(text: string, password: string): Promise<Uint8Array> {
  const json = parseKeystore(text);
  const web3 = web3Schema.safeParse(json);
  if (web3.success) {
    const { kdfparams, ciphertext, cipherparams, mac } = web3.data.crypto;
    return decrypt(utf8(password.normalize('NFKC')), kdfparams, cipherparams.iv, ciphertext, mac, keccak256);
  }
  const bls = eip2335Schema.safeParse(json);
  if (bls.success) {
    const { kdf, checksum, cipher } = bls.data.crypto;
    const bytes = eip2335Password(password);
    return decrypt(bytes, kdf.params, cipher.params.iv, cipher.message, checksum.message, sha256);
  }
  throw badKeystore(web3.error);
}

function parseKeystore(text: string): unknown {
  if (text.length > MAX_KEYSTORE_CHARS) throw badKeystore('it is too large');
  try {
    const json: unknown = JSON.parse(text);
    // Some wallets, ethers among them, write `Crypto`.
    if (json !== null && typeof json === 'object' && 'Crypto' in json)
      return { ...json, crypto: json.Crypto };
    return json;
  } catch (cause) {
    throw badKeystore(cause);
  }
}

async function encrypt(secret: Uint8Array, password: Uint8Array, cost: KdfCost) {
  const params = SCRYPT_COST[cost];
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const key = await deriveKey(password, salt, params);
  return {
    params,
    salt,
    iv,
    checkKey: key.slice(16),
    ciphertext: await aesCtr(key.slice(0, 16), iv, secret),
  };
}

async function decrypt(
  password: Uint8Array,
  params: z.infer<typeof scryptParams>,
  iv: string,
  ciphertext: string,
  check: string,
  hash: (bytes: Uint8Array) => Uint8Array,
): Promise<Uint8Array> {
  const { n, r, p } = params;
  if (128 * n * r > MAX_SCRYPT_BYTES || n * r * p > MAX_SCRYPT_WORK)
    throw badKeystore('its scrypt cost is too high');
  const sealed = unbare(ciphertext);
  const key = await deriveKey(password, unbare(params.salt), params);
  if (!equalBytes(hash(concatBytes(key.slice(16), sealed)), unbare(check))) {
    throw new FedaiError(
      'WRONG_PASSWORD',
      'the keystore does not open with this password',
      {},
      {
        remedy: 'give the password with which the keystore was made (FEDAI_PASSWORD or --password-file)',
      },
    );
  }
  return aesCtr(key.slice(0, 16), unbare(iv), sealed);
}

function deriveKey(password: Uint8Array, salt: Uint8Array, { n, r, p }: ScryptParams): Promise<Uint8Array> {
  return scrypt({
    // hash-wasm refuses an empty password, which both formats allow; HMAC pads keys with zeros, so this is the same key.
    password: password.length === 0 ? Uint8Array.of(0) : password,
    salt,
    costFactor: n,
    blockSize: r,
    parallelism: p,
    hashLength: 32,
    outputType: 'binary',
  });
}

/** CTR is its own inverse. The counter is the whole block, as OpenSSL has it. */
async function aesCtr(key: Uint8Array, iv: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey('raw', Uint8Array.from(key), 'AES-CTR', false, ['encrypt']);
  const algorithm = { name: 'AES-CTR', counter: Uint8Array.from(iv), length: 128 };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, Uint8Array.from(bytes)));
}

/** EIP-2335: NFKD, then C0, C1 and Delete control codes stripped. */
function eip2335Password(password: string): Uint8Array {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the standard names them
  return utf8(password.normalize('NFKD').replace(/[\u0000-\u001f\u007f-\u009f]/g, ''));
}

const bare = (bytes: Uint8Array): string => toHex(bytes).slice(2);
const unbare = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

function badKeystore(cause: unknown): FedaiError {
  return new FedaiError(
    'BAD_KEYSTORE',
    'not a keystore that can be opened',
    {},
    {
      cause,
      remedy: 'give a Web3 v3 or EIP-2335 keystore file (scrypt, aes-128-ctr)',
    },
  );
}
