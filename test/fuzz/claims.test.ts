/** Small inputs that claim to be huge: a decoder takes memory for what is there, never for what is said to be there. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deflateSync } from 'node:zlib';
import { encode as cbor } from '@ipld/dag-cbor';
import type { Stream } from '@libp2p/interface';
import { Interface } from 'ethers';
import { afterEach, expect, test } from 'vitest';
import { decodeBlock } from '../../chain/block.ts';
import { decodeAnswer, encodeAnswer, MAX_ANSWERED } from '../../chain/consensus/answers.ts';
import { decodeInput } from '../../chain/consensus/inputs.ts';
import { decodeConsensusMessage } from '../../chain/consensus/messages.ts';
import { decodePlace, decodeReceipts } from '../../chain/store/records.ts';
import { decodeFinalBlock, decodeRange, decodeStatus } from '../../chain/sync/messages.ts';
import { readPng } from '../../cli/image/png.ts';
import {
  concatBytes,
  createReplayWindow,
  FedaiError,
  openEnvelope,
  parseJson,
  toHex,
  uintBytes,
  utf8,
} from '../../core/index.ts';
import { openKeystore, sealWeb3Keystore } from '../../core/keys/keystore.ts';
import { decodeModel, parseModel } from '../../engine/index.ts';
import { decodeJob } from '../../job/index.ts';
import { decodeCommit, decodeSection } from '../../light/index.ts';
import { jobManagerAbi } from '../../market/abi.ts';
import { decodeOutput } from '../../market/contract.ts';
import { httpTransport } from '../../market/index.ts';
import { createFrameReader } from '../../net/frames.ts';
import { bytesInMemory, streamIdx } from '../../storage/index.ts';
import { codec, common } from '../sim/support/ledger.ts';
import { toyModel } from '../support/toy.ts';

const MIB = 2 ** 20;
/** Far above what garbage of so few calls comes to, far below every claim. */
const MAX_GROWTH = 256 * MIB;
const TIMES = 4;

const held = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** Throws unless each call is refused with a code (or, where that is the contract, a verdict) in bounded memory. */
async function bounded(refuse: () => unknown): Promise<string> {
  const before = held();
  let code = '';
  for (let i = 0; i < TIMES; i++) {
    try {
      const value = (await refuse()) as { verdict?: string } | undefined;
      code = value?.verdict ?? 'taken';
    } catch (error) {
      expect(error).toBeInstanceOf(FedaiError);
      code = (error as FedaiError).code;
    }
    expect(held() - before).toBeLessThan(MAX_GROWTH);
  }
  return code;
}

/** Lists and strings whose lengths are of 4 or 8 bytes, and lists within lists. */
const RLP_CLAIMS: Uint8Array[] = [
  Uint8Array.of(0xfb, 0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0xbb, 0x7f, 0xff, 0xff, 0xff),
  Uint8Array.of(0xff, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0xc5, 0xbb, 0xff, 0xff, 0xff, 0xff),
  concatBytes(Uint8Array.of(0xfb, 0xff, 0xff, 0xff, 0xff), new Uint8Array(200)),
  new Uint8Array(200).fill(0xff),
  new Uint8Array(2_000).fill(0xf8),
];
const RLP: Record<string, (bytes: Uint8Array) => unknown> = {
  decodeAnswer,
  decodeBlock: (bytes) => decodeBlock(bytes, common),
  decodeCommit,
  decodeConsensusMessage,
  decodeFinalBlock: (bytes) => decodeFinalBlock(bytes, common),
  decodeInput: (bytes) => decodeInput(bytes, codec),
  decodePlace,
  decodeRange,
  decodeReceipts,
  decodeSection,
  decodeStatus,
};

test.each(Object.entries(RLP))('%s: RLP of four gigabytes', async (_, decode) => {
  for (const claim of RLP_CLAIMS) expect(await bounded(() => decode(claim))).toBe('BAD_RLP');
});

test('answers and records with more in them than there is room for', () => {
  const vote = {
    ...({ kind: 'vote', type: 'prevote', height: 1, round: 0, blockHash: null, validator: 0 } as const),
    ...{ signature: new Uint8Array(96), attempt: 0 },
  };
  const answer = (count: number) =>
    encodeAnswer(
      { validator: 0, height: 0, commit: null, messages: Array.from({ length: count }, () => ({ ...vote })) },
      () => new Uint8Array(96),
    );
  expect(decodeAnswer(answer(MAX_ANSWERED)).answer.messages).toHaveLength(MAX_ANSWERED);
  expect(() => decodeAnswer(answer(MAX_ANSWERED + 1))).toThrow(expect.objectContaining({ code: 'BAD_RLP' }));
  // The record of a start, once more with an item that nobody would have written.
  expect(decodeInput(Uint8Array.of(0xc1, 0x80), codec)).toEqual({ kind: 'start' });
  expect(() => decodeInput(Uint8Array.of(0xc2, 0x80, 0x05), codec)).toThrow(
    expect.objectContaining({ code: 'BAD_RLP' }),
  );
});

const document = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
const layer = (units: number) => ({
  class_name: 'Dense',
  config: { units, activation: 'relu', use_bias: true },
});

test('documents of models too large to hold', async () => {
  const wide = { ...toyModel, layers: [{ class_name: 'Flatten' }, ...Array(8).fill(layer(2 ** 31 - 1))] };
  const broad = { ...toyModel, input: [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1] };
  for (const model of [wide, broad, { ...toyModel, layers: Array(100_000).fill(layer(1)) }]) {
    expect(await bounded(() => parseModel(model))).toBe('BAD_MODEL');
    expect(await bounded(() => decodeJob(document({ format: 'fedai-job/1', model })))).toMatch(
      /^BAD_JOB|TOO_LARGE$/,
    );
  }
  const header = utf8('{}      ');
  for (const length of [2n ** 64n - 1n, 2n ** 40n, 9n]) {
    const bytes = concatBytes(Uint8Array.from(uintBytes(length, 8)).reverse(), header);
    expect(await bounded(() => decodeModel(bytes))).toBe('BAD_MODEL_FILE');
  }
});

test('images and arrays too large to hold', async () => {
  const magic = Uint8Array.of(0, 0, 8, 4);
  const sides = concatBytes(...Array.from({ length: 4 }, () => uintBytes(0xffff_ffff, 4)));
  const one = bytesInMemory(concatBytes(magic, sides));
  const few = bytesInMemory(Uint8Array.of(0, 0, 8, 1, 255, 255, 255, 255, 0));
  expect(await bounded(() => streamIdx(one, few))).toBe('BAD_RECORDS');
  const png = (side: number, data: Uint8Array) =>
    concatBytes(
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      ...chunk('IHDR', concatBytes(uintBytes(side, 4), uintBytes(side, 4), Uint8Array.of(8, 6, 0, 0, 0))),
      ...chunk('IDAT', data),
    );
  const bomb = deflateSync(new Uint8Array(16 * MIB));
  expect(await bounded(() => readPng(png(0xffff_ffff, bomb)))).toBe('BAD_IMAGE');
  expect(await bounded(() => readPng(png(4, bomb)))).toBe('BAD_IMAGE');
});

const chunk = (type: string, body: Uint8Array): Uint8Array[] => [
  uintBytes(body.length, 4),
  utf8(type),
  body,
  new Uint8Array(4),
];

test('an answer in millions of frames of one byte', async () => {
  const frames = concatBytes(...Array.from({ length: 10_000 }, () => Uint8Array.of(0, 0, 0, 1, 7)));
  let given = 0;
  async function* endless() {
    for (; ; given += 10_000) yield frames;
  }
  const reader = createFrameReader(endless() as unknown as Stream, 4 * MIB);
  const taken: Uint8Array[] = [];
  const readAll = async () => {
    for (;;) taken.push(await reader.frame());
  };
  await expect(readAll()).rejects.toMatchObject({ code: 'TOO_LARGE' });
  expect(taken.length).toBeLessThan(100_000);
  expect(given).toBeLessThan(110_000);
});

test('envelopes whose parts are longer than the message', async () => {
  const options = {
    ...{ domain: 'd', chainId: 1n, nowMs: 0, maxBytes: 1_000_000 },
    replay: createReplayWindow(64, 64),
  };
  const lengths = [[0x9b], [0x5b], [0x7b], [0xbb]].map((head) =>
    concatBytes(Uint8Array.from(head), uintBytes(2n ** 40n, 8)),
  );
  const nested = concatBytes(new Uint8Array(900_000).fill(0x81), cbor(1));
  for (const claim of [...lengths, nested])
    expect(await bounded(() => openEnvelope(claim, options))).toBe('reject');
  const deep = utf8('['.repeat(400_000) + ']'.repeat(400_000));
  expect(['taken', 'BAD_JSON']).toContain(await bounded(() => parseJson(deep, 1_000_000)));
});

test('what a contract is said to answer', async () => {
  const jobs = new Interface(jobManagerAbi);
  const word = (value: bigint) => uintBytes(value, 32);
  for (const length of [2n ** 31n, 2n ** 53n, 2n ** 255n, 1_000_000n]) {
    const output = toHex(concatBytes(word(32n), word(length), word(0n)));
    expect(await bounded(() => decodeOutput(jobs, 'workersOf', output))).toBe('WRONG_CONTRACT');
  }
});

test('keystores that cost gigabytes or hours', async () => {
  const sealed = JSON.parse(await sealWeb3Keystore(new Uint8Array(32).fill(1), 'word', { cost: 'light' }));
  const { kdfparams } = sealed.crypto;
  const costs = [
    ...[{ n: 2 ** 30 }, { n: 2 ** 52 }, { n: 5_000 }, { n: 3 }, { r: 2 ** 31 }],
    ...[{ n: 2, r: 2 ** 20, p: 64 }, { n: 2 ** 18, r: 8, p: 64 }, { p: 2 ** 31 }, { n: 1e300 }, { n: 0 }],
  ];
  for (const cost of costs) {
    const crypto = { ...sealed.crypto, kdfparams: { ...kdfparams, ...cost } };
    const text = JSON.stringify({ ...sealed, crypto });
    expect(await bounded(() => openKeystore(text, 'word')), JSON.stringify(cost)).toBe('BAD_KEYSTORE');
  }
});

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

test('an RPC endpoint that never stops talking', async () => {
  let sent = 0;
  server = createServer((_, response) => {
    const piece = new Uint8Array(MIB).fill(0x20);
    const more = () => {
      while (!response.destroyed) {
        sent += piece.length;
        if (!response.write(piece)) return;
      }
    };
    response.on('drain', more);
    more();
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const before = held();
  const asked = httpTransport(`http://127.0.0.1:${port}`, { timeoutMs: 60_000 }).request('eth_call', []);
  await expect(asked).rejects.toMatchObject({ code: 'RPC_UNAVAILABLE', cause: { code: 'TOO_LARGE' } });
  expect(sent).toBeLessThan(128 * MIB);
  expect(held() - before).toBeLessThan(MAX_GROWTH);
  server.closeAllConnections();
});
