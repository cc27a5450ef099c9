/** Samples of what everything is made of: JSON, content ids, envelopes, keystores, wrapped keys, chain-spec files. */

import { encode as cbor } from '@ipld/dag-cbor';
import { encode as pb } from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { sha256 as multihash } from 'multiformats/hashes/sha2';
import { parseChainSpec } from '../../../chain/spec/schema.ts';
import { trustedOf } from '../../../cli/verify/trusted.ts';
import { verifyCidPath } from '../../../core/cid.ts';
import {
  canonicalJson,
  createReplayWindow,
  fromHex,
  openEnvelope,
  parseCid,
  parseJson,
  sealEnvelope,
  sha256,
  unwrapKey,
  utf8,
} from '../../../core/index.ts';
import { openKeystore } from '../../../core/keys/keystore.ts';
import { testSpec, testValidators } from '../../chain/network-spec.ts';
import type { Table } from '../subject.ts';

const KEY = new Uint8Array(32).fill(7);
const NOW = 1_800_000_000_000;
const envelope = {
  domain: 'test/1',
  chainId: 1337n,
  payload: utf8('hello'),
  sequence: 5n,
  expiresAtMs: NOW + 1000,
};
const open = (bytes: Uint8Array) =>
  openEnvelope(bytes, {
    domain: 'test/1',
    chainId: 1337n,
    nowMs: NOW,
    maxBytes: 1024,
    replay: createReplayWindow(4, 8),
  });

const digest = createDigest(multihash.code, sha256(KEY));
const rawCid = CID.createV1(0x55, digest);
const texts = [0x55, 0x70, 0x71].map((code) => CID.createV1(code, digest).toString());
const spec = { ...testSpec(testValidators(2), [`0x${'aa'.repeat(20)}`]), genesisTimeMs: 1_700_000_000_000 };

/** Keystores of KEY under the password `x`, with the least work: what is fuzzed is the file, not scrypt. */
const cipher = { name: 'aes-128-ctr', iv: '04'.repeat(16) };
const ciphertext = 'bfe7342ee85b966ba8d1732f35dc3a0781327eac0d6f8bcbe729429e3e56d264';
const scrypt = { n: 2, r: 1, p: 1, dklen: 32, salt: '03'.repeat(32) };
const web3 = {
  version: 3,
  id: '1',
  crypto: {
    cipher: cipher.name,
    cipherparams: { iv: cipher.iv },
    ciphertext,
    kdf: 'scrypt',
    kdfparams: scrypt,
    mac: 'd05cd89c3c5d22721b0c588ff0244a49f06e8dcaced4fccc47f951225e2f47a9',
  },
};
const eip2335 = {
  version: 4,
  path: 'm',
  pubkey: '00'.repeat(48),
  crypto: {
    kdf: { function: 'scrypt', params: scrypt, message: '' },
    checksum: {
      function: 'sha256',
      params: {},
      message: 'f16d6a75796517114b992771df409f9405acca43f8699df9aa8fe92b4af99fcf',
    },
    cipher: { function: cipher.name, params: { iv: cipher.iv }, message: ciphertext },
  },
};
const READER = new Uint8Array(32).fill(9);
const context = utf8('job 1');
/** KEY wrapped to READER in that context; wrapping draws a key of its own each time. */
const wrapped = fromHex(
  '0xdf6994ea29ff72106c8bde83555439cc78fda68c954ed927810a16e25fc75264dad21f668f9e0fca797d70e5f27b84d6b511e91613c16e3b928d59c8d43210104658778d5eaff461f4c9e9717ce49ece',
);

const rootOf = (code: number, bytes: Uint8Array) =>
  CID.createV1(code, createDigest(multihash.code, sha256(bytes)));
const linked = cbor({ parts: [rawCid, { again: rawCid }] });
const linkedPb = pb({ Data: new Uint8Array(4), Links: [{ Name: '', Hash: rawCid, Tsize: 3 }] });

export const core: Table = {
  parseJson: {
    covers: ['core/json.ts#parseJson'],
    format: 'json',
    samples: [canonicalJson({ a: [1, 2, { b: 'c' }], d: null })],
    decode: (bytes) => canonicalJson(parseJson(bytes, 1 << 16)),
  },
  parseCid: {
    covers: ['core/cid.ts#parseCid'],
    format: 'bytes',
    samples: texts.map(utf8),
    decode: (bytes) => parseCid(new TextDecoder().decode(bytes)),
  },
  blockLinks: {
    covers: [],
    format: 'bytes',
    samples: [linkedPb],
    decode: (bytes) => verifyCidPath(rootOf(0x70, bytes), rawCid, [bytes, KEY]),
    neverThrows: true,
  },
  cborLinks: {
    covers: [],
    format: 'cbor',
    samples: [linked],
    decode: (bytes) => verifyCidPath(rootOf(0x71, bytes), rawCid, [bytes, KEY]),
    neverThrows: true,
  },
  openEnvelope: {
    covers: ['core/envelope.ts#openEnvelope'],
    format: 'cbor',
    samples: [sealEnvelope(envelope, KEY), sealEnvelope({ ...envelope, payload: new Uint8Array(500) }, KEY)],
    decode: open,
    neverThrows: true,
    share: 0.5,
  },
  openKeystore: {
    covers: ['core/keys/keystore.ts#openKeystore'],
    format: 'json',
    samples: [web3, eip2335].map(canonicalJson),
    decode: (bytes) => openKeystore(new TextDecoder().decode(bytes), 'x'),
    share: 0.2,
  },
  unwrapKey: {
    covers: [],
    format: 'bytes',
    samples: [wrapped],
    decode: (bytes) => unwrapKey(READER, bytes, context),
    share: 0.05,
  },
  parseChainSpec: {
    covers: ['chain/spec/schema.ts#parseChainSpec'],
    format: 'json',
    samples: [canonicalJson(spec)],
    decode: (bytes) => parseChainSpec(parseJson(bytes, 1 << 20)),
  },
  trustedOf: {
    covers: ['cli/verify/trusted.ts#readTrusted'],
    format: 'json',
    samples: [canonicalJson(spec)],
    decode: (bytes) => trustedOf(parseJson(bytes, 1 << 20)),
  },
};
