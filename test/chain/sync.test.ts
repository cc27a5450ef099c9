import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ChainSpec, encodeBlock } from '../../chain/index.ts';
import { consensusTopic } from '../../chain/network/index.ts';
import { createChainNode } from '../../chain/node.ts';
import { createGenesis } from '../../chain/spec/index.ts';
import {
  decodeFinalBlock,
  decodeRange,
  decodeStatus,
  encodeFinalBlock,
  encodeRange,
  encodeStatus,
} from '../../chain/sync/messages.ts';
import { createPeerHeights } from '../../chain/sync/peer-heights.ts';
import { createLog, seededRandom, silentLog, utf8 } from '../../core/index.ts';
import { createPeer, type Peer } from '../../storage/index.ts';
import { until } from '../storage/until.ts';
import { testSpec, testValidators } from './network-spec.ts';

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0'];
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
const closing: { stop(): Promise<void> }[] = [];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-sync-'));
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.stop()));
  await rm(directory, { recursive: true, force: true });
});

async function startNode(
  spec: ChainSpec,
  name: string,
  options: { secretKey?: Uint8Array; bootstrap: string[]; lines?: string[] },
) {
  const { secretKey, bootstrap, lines } = options;
  const node = await createChainNode({
    spec,
    dataDir: join(directory, name),
    ...(secretKey && { keys: { validatorSecretKey: secretKey, address: '0x00' } }),
    peerPrivateKey: new Uint8Array(32).fill(name.charCodeAt(0)),
    listen: LOOPBACK,
    bootstrap,
    rpc: { host: '127.0.0.1', port: 0 },
    log: lines ? createLog((line) => lines.push(line), 'warn') : silentLog,
  });
  closing.push(node);
  return node;
}

/** A peer that takes an honest chain's head and blocks, and serves what `spoil` makes of each. */
async function startLiar(
  spec: ChainSpec,
  name: string,
  honest: { peerId: string; addresses(): string[] },
  spoil: (frame: Uint8Array) => Promise<Uint8Array>,
): Promise<Peer> {
  const liar = await createPeer({
    dataDir: join(directory, name),
    peerPrivateKey: new Uint8Array(32).fill(name.charCodeAt(0)),
    listen: LOOPBACK,
    bootstrap: honest.addresses(),
    log: silentLog,
  });
  closing.push(liar);
  await until(() => liar.peers().includes(honest.peerId));
  liar.gossip.subscribe(consensusTopic(BigInt(spec.chainId)), async () => ({ verdict: 'accept' }));
  await liar.requests.handle('/fedai/status/2', () =>
    liar.requests.request(honest.peerId, '/fedai/status/2', new Uint8Array(0), {
      timeoutMs: 5_000,
      maxBytes: 1_024,
    }),
  );
  await liar.requests.handle('/fedai/blocks/1', async function* (request) {
    const limits = { timeoutMs: 5_000, maxBytes: 2 ** 25 };
    for await (const frame of liar.requests.requestFrames(
      honest.peerId,
      '/fedai/blocks/1',
      request,
      limits,
    )) {
      yield await spoil(frame);
    }
  });
  return liar;
}

describe('catch-up', () => {
  test('lying peers are refused and banned, the honest chain is reached', async () => {
    const [validator] = testValidators(1);
    const spec = testSpec([validator!], [], 100);
    const { common } = await createGenesis(spec);
    const honest = await startNode(spec, 'a', { secretKey: validator!.secretKey, bootstrap: [] });
    await until(() => honest.status().height >= 20);
    const forger = await startLiar(spec, 'f', honest, async (frame) => {
      const { block, commit } = decodeFinalBlock(frame, common);
      const signature = commit.signature.slice();
      signature[50]! ^= 1;
      return encodeFinalBlock(encodeBlock(block), { ...commit, signature });
    });
    const tamperer = await startLiar(spec, 't', honest, async (frame) => {
      const { block, commit } = decodeFinalBlock(frame, common);
      return encodeFinalBlock(encodeBlock({ ...block, transactions: [utf8('nonsense')] }), commit);
    });
    const lines: string[] = [];
    const bootstrap = [...forger.addresses(), ...tamperer.addresses()];
    const follower = await startNode(spec, 'b', { bootstrap, lines });
    await until(() => follower.status().height >= 20);
    await until(
      () =>
        lines.filter((line) => line.includes('peer banned')).length === 2 || follower.status().height > 60,
    );
    const banned = lines.filter((line) => line.includes('peer banned')).map((line) => JSON.parse(line).peer);
    expect(banned.length).toBeGreaterThan(0);
    expect([forger.peerId, tamperer.peerId]).toEqual(expect.arrayContaining(banned));
    expect(lines.some((line) => line.includes('is not final'))).toBe(true);
  });
});

test('a forged head makes nobody wait for it, and bans its teller', async () => {
  const [validator] = testValidators(1);
  const spec = testSpec([validator!], [], 100);
  const { hash } = await createGenesis(spec);
  const honest = await startNode(spec, 'a', { secretKey: validator!.secretKey, bootstrap: [] });
  const liar = await startLiar(spec, 'l', honest, async (frame) => frame);
  const commit = {
    ...{ height: 1_000_000, round: 0, blockHash: hash },
    ...{ bitmap: Uint8Array.of(1), signature: new Uint8Array(96).fill(0xc0) },
  };
  await liar.requests.handle('/fedai/status/2', async () =>
    encodeStatus({ genesisHash: hash, height: 1_000_000, headHash: hash, commit }),
  );
  const lines: string[] = [];
  const follower = await startNode(spec, 'b', {
    bootstrap: [...liar.addresses(), ...honest.addresses()],
    lines,
  });
  await until(() => lines.some((line) => line.includes('claims a head that is not final')));
  await until(() => follower.status().height >= 5);
  expect(follower.status().bestKnownHeight).toBeLessThan(1_000);
  expect(lines.some((line) => line.includes('peer banned') && line.includes(liar.peerId))).toBe(true);
});

describe('wire forms', () => {
  test('round trips, and garbage is BAD_RLP', async () => {
    const { common, hash } = await createGenesis(testSpec(testValidators(1), []));
    const status = { genesisHash: hash, height: 7, headHash: hash, commit: null };
    expect(decodeStatus(encodeStatus(status))).toEqual(status);
    expect(decodeRange(encodeRange({ from: 5, count: 32 }))).toEqual({ from: 5, count: 32 });
    expect(() => decodeRange(encodeRange({ from: 5, count: 33 }))).toThrowError(
      expect.objectContaining({ code: 'BAD_RLP' }),
    );
    const random = seededRandom(utf8('sync garbage'));
    for (let i = 0; i < 500; i++) {
      const bytes = Uint8Array.from({ length: random.below(100) }, () => random.below(256));
      for (const decode of [decodeStatus, decodeRange, (b: Uint8Array) => decodeFinalBlock(b, common)]) {
        try {
          decode(bytes);
        } catch (error) {
          expect((error as { code?: string }).code).toBe('BAD_RLP');
        }
      }
    }
  });
});

test('peers that do not deliver are rested, longer each time', () => {
  const heights = createPeerHeights();
  heights.claim('a', 10);
  heights.claim('b', 5);
  heights.prove('a', 10);
  heights.claim('a', 8);
  heights.claim('c', 99);
  expect([heights.best(0), heights.bestProven()]).toEqual([99, 10]);
  // What was only said is forgotten with the first failure.
  heights.failed('c', 0);
  expect([heights.best(0), heights.at(6, 0), heights.at(5, 0)]).toEqual([10, ['a'], ['a', 'b']]);
  heights.failed('a', 0);
  expect([heights.best(999), heights.best(1_000)]).toEqual([5, 10]);
  heights.failed('a', 1_000);
  expect([heights.best(2_999), heights.best(3_000)]).toEqual([5, 10]);
  heights.keep(['b']);
  expect(heights.best(9_999)).toBe(5);
});
