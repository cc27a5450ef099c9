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
  openEnvelope,
  parseCid,
  parseJson,
  sealEnvelope,
  sha256,
  unwrapKey,
  utf8,
  wrapKey,
} from '../../../core/index.ts';
import { openKeystore, sealEip2335Keystore, sealWeb3Keystore } from '../../../core/keys/keystore.ts';
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
const spec = testSpec(testValidators(2), [`0x${'aa'.repeat(20)}`]);

/** As `light`, with the least work: what is fuzzed is the file, not scrypt. */
async function cheap(sealed: Promise<string>): Promise<Uint8Array> {
  return utf8((await sealed).replace(/"n":\d+,"r":8/, '"n":2,"r":1'));
}
const keystores = [
  await cheap(sealWeb3Keystore(KEY, 'x', { cost: 'light' })),
  await cheap(sealEip2335Keystore(KEY, 'x', { publicKey: new Uint8Array(48), path: 'm', cost: 'light' })),
];
const READER = new Uint8Array(32).fill(9);
const { x25519 } = await import('@noble/curves/ed25519.js');
const context = utf8('job 1');
const wrapped = await wrapKey(x25519.getPublicKey(READER), KEY, context);

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
    samples: keystores,
    // The check value is another after the cost was changed: a sample is taken when only the password is refused.
    decode: (bytes) => openKeystore(new TextDecoder().decode(bytes), 'x').catch(unlessWrongPassword),
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

function unlessWrongPassword(error: unknown): string {
  if (error instanceof Error && Reflect.get(error, 'code') === 'WRONG_PASSWORD') return 'another password';
  throw error;
}
