import { Keystore } from '@chainsafe/bls-keystore';
import { decryptKeystoreJson, encryptKeystoreJson, HDNodeWallet, Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../core/index.ts';
import {
  checkMnemonic,
  deriveKeys,
  generateMnemonic,
  keyPaths,
  openKeystore,
  sealEip2335Keystore,
  sealWeb3Keystore,
} from '../../core/keys/index.ts';
import { slip10Key } from '../../core/keys/slip10.ts';

const PHRASE =
  'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about';

describe('recovery phrase', () => {
  it('is made of 24 words that check out', () => {
    const phrase = generateMnemonic();
    expect(phrase.split(' ')).toHaveLength(24);
    expect(checkMnemonic(`  ${phrase.toUpperCase().replaceAll(' ', '\n ')} `)).toBe(phrase);
  });

  it.each([
    [PHRASE.replace('about', 'abandon'), 'checksum'],
    [PHRASE.replace('about', 'aboot'), 'word 12'],
    ['abandon about', '2 words'],
  ])('refuses a wrong one with what to do', (phrase, reason) => {
    expect(() => checkMnemonic(phrase)).toThrowError(
      expect.objectContaining({
        code: 'BAD_PHRASE',
        message: expect.stringContaining(reason),
        remedy: expect.stringContaining('compare every word'),
      }),
    );
  });
});

describe('derivation', () => {
  it('gives the EVM account that ethers derives, for each account number', async () => {
    for (const account of [0, 7]) {
      const keys = await deriveKeys(PHRASE, account);
      const oracle = HDNodeWallet.fromPhrase(PHRASE, undefined, `m/44'/60'/0'/0/${account}`);
      expect(toHex(keys.evm.privateKey)).toBe(oracle.privateKey);
      expect(keys.evm.address).toBe(oracle.address);
    }
  });

  it('gives the Nostr key of NIP-06', async () => {
    const keys = await deriveKeys(
      'leader monkey parrot ring guide accident before fence cannon height naive bean',
    );
    expect(toHex(keys.nostr.privateKey)).toBe(
      '0x7f7ff03d123792d6ac594bfa67bf6d0c0ab55b6b1fdb6249303fe861f1ccba9a',
    );
  });

  it('gives the validator key of EIP-2334 with its public key in G1', async () => {
    const { deriveKeyFromMnemonic } = await import('@chainsafe/bls-keygen');
    const { SecretKey } = await import('@chainsafe/blst');
    const { validator } = await deriveKeys(PHRASE, 3);
    expect(toHex(validator.secretKey)).toBe(toHex(deriveKeyFromMnemonic(PHRASE, keyPaths(3).validator)));
    expect(toHex(validator.publicKey)).toBe(
      toHex(SecretKey.fromBytes(validator.secretKey).toPublicKey().toBytes(true)),
    );
  });

  it('reproduces the master key of test case 0 of EIP-2333', async () => {
    const { deriveKeyFromEntropy } = await import('@chainsafe/bls-keygen');
    const seed = fromHex(
      '0xc55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
    );
    const master = 6083874454709270928345386274498605044986640685124978867557563392430687146096n;
    expect(BigInt(toHex(deriveKeyFromEntropy(seed)))).toBe(master);
  });

  it('reproduces test vector 1 of SLIP-0010 for Ed25519', () => {
    const seed = fromHex('0x000102030405060708090a0b0c0d0e0f');
    expect(toHex(slip10Key('ed25519 seed', seed, 'm'))).toBe(
      '0x2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7',
    );
    expect(toHex(slip10Key('ed25519 seed', seed, "m/0'/1'/2'"))).toBe(
      '0x92a5b23c0b8a99e37d07df3fb9966917f5d06e02ddbd909c7e184371463e9fc9',
    );
    expect(() => slip10Key('ed25519 seed', seed, 'm/0')).toThrowError(
      expect.objectContaining({ code: 'BAD_PATH' }),
    );
  });

  it('gives every purpose and account its own key', async () => {
    const all = await Promise.all([deriveKeys(PHRASE, 0), deriveKeys(PHRASE, 1)]);
    const keys = all.flatMap((set) => [
      set.evm.privateKey,
      set.nostr.privateKey,
      set.peer.privateKey,
      set.reader.privateKey,
      set.validator.secretKey,
    ]);
    expect(new Set(keys.map(toHex)).size).toBe(10);
    expect(keys.every((key) => key.length === 32)).toBe(true);
  });
});

describe('keystores', () => {
  const secret = fromHex(`0x${'5a'.repeat(32)}`);

  it('Web3 v3: ethers opens ours and we open what ethers makes', async () => {
    const wallet = new Wallet(toHex(secret));
    const ours = await sealWeb3Keystore(secret, 'pässword', { cost: 'light', address: wallet.address });
    const opened = await decryptKeystoreJson(ours, 'pässword');
    expect(opened.privateKey).toBe(toHex(secret));
    const theirs = await encryptKeystoreJson(wallet, 'pässword', { scrypt: { N: 1024, r: 8, p: 1 } });
    expect(await openKeystore(theirs, 'pässword')).toEqual(secret);
  });

  it('EIP-2335: the reference library opens ours', async () => {
    const { validator } = await deriveKeys(PHRASE);
    const path = keyPaths(0).validator;
    const { publicKey } = validator;
    const text = await sealEip2335Keystore(validator.secretKey, 'pa\u0007ss', {
      publicKey,
      path,
      cost: 'light',
    });
    expect(Uint8Array.from(await Keystore.parse(text).decrypt('pass'))).toEqual(validator.secretKey);
    expect(await openKeystore(text, 'pass')).toEqual(validator.secretKey);
  });

  it('EIP-2335: opens the scrypt vector of the standard', async () => {
    const opened = await openKeystore(JSON.stringify(EIP2335_VECTOR), '𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑');
    expect(toHex(opened)).toBe('0x000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f');
  });

  it('refuses a wrong password and a broken file with what to do', async () => {
    const text = await sealWeb3Keystore(secret, 'right', { cost: 'light' });
    await expect(openKeystore(text, 'wrong')).rejects.toMatchObject({
      code: 'WRONG_PASSWORD',
      remedy: expect.stringContaining('password'),
    });
    const foreign = JSON.parse(text);
    foreign.crypto.kdfparams.n = 2 ** 30;
    for (const bad of [
      '',
      '{}',
      text.slice(1),
      text.replace('aes-128-ctr', 'rot13'),
      JSON.stringify(foreign),
    ]) {
      await expect(openKeystore(bad, 'right')).rejects.toMatchObject({ code: 'BAD_KEYSTORE' });
    }
  });

  it('opens with an empty password only if it was made with one', async () => {
    const text = await sealWeb3Keystore(secret, '', { cost: 'light' });
    expect((await decryptKeystoreJson(text, '')).privateKey).toBe(toHex(secret));
    expect(await openKeystore(text, '')).toEqual(secret);
  });
});

/** https://eips.ethereum.org/EIPS/eip-2335#test-cases */
const EIP2335_VECTOR = {
  crypto: {
    kdf: {
      function: 'scrypt',
      params: {
        dklen: 32,
        n: 262144,
        p: 1,
        r: 8,
        salt: 'd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3',
      },
      message: '',
    },
    checksum: {
      function: 'sha256',
      params: {},
      message: 'd2217fe5f3e9a1e34581ef8a78f7c9928e436d36dacc5e846690a5581e8ea484',
    },
    cipher: {
      function: 'aes-128-ctr',
      params: { iv: '264daa3f303d7259501c93d997d84fe6' },
      message: '06ae90d55fe0a6e9c5c3bc5b170827b2e5cce3929ed3f116c2811e6366dfe20f',
    },
  },
  description: 'This is a test keystore that uses scrypt to secure the secret.',
  pubkey: '9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27f4ae4040902382ae2910c15e2b420d07',
  path: 'm/12381/60/3141592653/589793238',
  uuid: '1d85ae20-35c5-4611-98e8-aa14a633906f',
  version: 4,
};
