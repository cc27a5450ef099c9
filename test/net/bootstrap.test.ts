/** A network that has lost its bootstrap peer for good: it restarts whole, and a newcomer gets in by any other peer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { silentLog } from '../../core/index.ts';
import { createPeer, type Peer } from '../../storage/index.ts';
import { until } from '../storage/until.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
/** Where the whole of 127/8 is this machine, nothing else listens here: a port of the first life is free in the second. */
const HOST = process.platform === 'linux' ? '127.83.0.1' : '127.0.0.1';
const TOPIC = '/test/bootstrap';
const DAY_MS = 24 * 60 * 60_000;
let directory: string;
const peers: Peer[] = [];

async function start(index: number, bootstrap: readonly string[], port = 0): Promise<string[]> {
  const peer = await createPeer({
    dataDir: join(directory, `${index}`),
    peerPrivateKey: new Uint8Array(32).fill(60 + index),
    listen: [`/ip4/${HOST}/tcp/${port}`],
    bootstrap,
    log: silentLog,
  });
  peers[index] = peer;
  peer.gossip.subscribe(TOPIC, async () => ({ verdict: 'accept' }));
  return peer.addresses();
}
const portIn = (address: string): number => Number(/\/tcp\/(\d+)/.exec(address)![1]);
const areWhole = (indices: number[]) =>
  until(() => indices.every((index) => peers[index]!.gossip.listeners(TOPIC).length === indices.length - 1));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-bootstrap-'));
});
afterAll(async () => {
  vi.useRealTimers();
  await Promise.all(peers.map((peer) => peer.stop()));
  await rm(directory, { recursive: true, force: true });
});

test('a whole network restarts without its bootstrap peer, days later, and a newcomer finds all by one of it', async () => {
  const gone = await start(0, []);
  const addresses = await Promise.all([1, 2, 3].map((index) => start(index, gone)));
  await areWhole([0, 1, 2, 3]);
  await Promise.all(peers.map((peer) => peer.stop()));
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30 * DAY_MS });
  await Promise.all([1, 2, 3].map((index) => start(index, gone, portIn(addresses[index - 1]![0]!))));
  await areWhole([1, 2, 3]);
  const [known] = addresses[1]!;
  await start(4, [known!]);
  await areWhole([1, 2, 3, 4]);
  expect(peers[4]!.peers()).not.toContain(peers[0]!.peerId);
});
