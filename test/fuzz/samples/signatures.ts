/** Samples of signatures, keys and the record of a score: what is malformed does not verify, and is nothing worse. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import {
  blsPublicKey,
  blsSign,
  blsVerifyAggregate,
  blsVerifyAll,
  evmPublicKey,
  evmSignature,
  verifyPossession,
} from '../../../core/bls/index.ts';
import { canonicalJson, fromHex, type Hex, sha256, toHex, utf8 } from '../../../core/index.ts';
import { loadRecord } from '../../../evaluator/record.ts';
import { recoverSigner } from '../../../market/index.ts';
import type { Table } from '../subject.ts';

const secret = new Uint8Array(32).fill(7);
const key = blsPublicKey(secret);
const message = utf8('message');
const signature = blsSign(message, secret);
/** The point at infinity: well-formed, and the sum of nobody's signatures. */
const nothing = (length: number) => Uint8Array.from({ length }, (_, i) => (i === 0 ? 0xc0 : 0));
const account = `0x${'11'.repeat(20)}` as const;
const digest = toHex(sha256(message));
const signed = fromHex(new Wallet(toHex(secret)).signingKey.sign(digest).serialized as Hex);
const hash = `0x${'1f'.repeat(32)}`;
const record = {
  score: { correct: 3, total: 4, outputsRoot: hash, modelHash: hash, verdict: 1 },
  salt: hash,
  testKey: hash,
};

/** Loads a record from a data directory whose file holds the bytes. */
async function recordOf(bytes: Uint8Array): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), 'fedai-fuzz-'));
  try {
    mkdirSync(join(directory, 'scores'));
    writeFileSync(join(directory, 'scores', 'job-1-draw-0.json'), bytes);
    return await loadRecord(directory, 1n, 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export const signatures: Table = {
  blsSignature: {
    covers: [],
    format: 'bytes',
    samples: [signature, nothing(96)],
    decode: (bytes) => [
      blsVerifyAll([{ message, publicKey: key, signature: bytes }]),
      blsVerifyAggregate(message, [key, key], bytes),
      verifyPossession(key, account, bytes),
    ],
    neverThrows: true,
    share: 0.1,
  },
  blsKey: {
    covers: [],
    format: 'bytes',
    samples: [key, nothing(48)],
    decode: (bytes) => blsVerifyAggregate(message, [key, bytes], signature),
    neverThrows: true,
    share: 0.1,
  },
  evmPublicKey: {
    covers: [],
    format: 'bytes',
    samples: [key],
    decode: evmPublicKey,
    share: 0.1,
  },
  evmSignature: {
    covers: [],
    format: 'bytes',
    samples: [signature],
    decode: evmSignature,
    share: 0.1,
  },
  recoverSigner: {
    covers: [],
    format: 'bytes',
    samples: [signed],
    decode: (bytes) => recoverSigner(digest, toHex(bytes)),
    share: 0.1,
  },
  loadRecord: {
    covers: [],
    format: 'json',
    samples: [canonicalJson(record)],
    decode: recordOf,
    share: 0.1,
  },
};
