import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sleep } from '../../core/index.ts';
import { type ForkedPeer, forkPeer } from './fork-peer.ts';
import { until } from './until.ts';

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0'];
const SIXTEEN_MIB = 16 * 1024 * 1024;
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
let directory: string;
const peers: ForkedPeer[] = [];
let ids: string[];
let bootstrap: string[];

async function startPeer(index: number, bootstrapAddresses: string[]) {
  const peer = forkPeer();
  peers[index] = peer;
  return peer.call<{ peerId: string; addresses: string[] }>(
    'start',
    { dataDir: join(directory, `${index}`), listen: LOOPBACK, bootstrap: bootstrapAddresses },
    index + 1,
  );
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-net-'));
  const first = await startPeer(0, []);
  bootstrap = first.addresses;
  const others = await Promise.all([startPeer(1, bootstrap), startPeer(2, bootstrap)]);
  ids = [first.peerId, ...others.map((other) => other.peerId)];
});
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.kill()));
  await rm(directory, { recursive: true, force: true });
});

test('three processes find each other from one bootstrap address', async () => {
  for (const peer of peers) await until(async () => (await peer.call<string[]>('peers')).length === 2);
});

test('gossip reaches everyone once', async () => {
  for (const peer of peers) await until(async () => (await peer.call<number>('listeners')) === 2);
  await peers[2]!.call('publish', 'hello');
  for (const index of [0, 1]) {
    await until(async () => (await peers[index]!.call<string[]>('received')).length > 0);
    expect(await peers[index]!.call('received')).toEqual(['hello']);
  }
});

test('16 MiB over a stream between two that met through a third', async () => {
  const { equal, milliseconds } = await peers[1]!.call<{ equal: boolean; milliseconds: number }>(
    'stream',
    ids[2],
    SIXTEEN_MIB,
  );
  expect(equal).toBe(true);
  console.info(`stream of 16 MiB: ${milliseconds.toFixed(0)} ms`);
});

test('content is fetched from another process', async () => {
  const cid = await peers[1]!.call<string>('put', SIXTEEN_MIB);
  const startedMs = performance.now();
  expect(await peers[2]!.call('get', cid, SIXTEEN_MIB)).toBe(true);
  console.info(`content of 16 MiB: ${(performance.now() - startedMs).toFixed(0)} ms`);
  expect(await peers[2]!.call('hasLocal', cid)).toBe(true);
  expect(await peers[0]!.call('hasLocal', cid)).toBe(false);
});

test('blocks, pins and known peers survive kill -9, without the bootstrap peer', async () => {
  const cid = await peers[2]!.call<string>('put', 3_000_000);
  await peers[1]!.call('pin', cid);
  // What is known of peers goes to disk every two seconds.
  await sleep(2_500);
  await peers[1]!.kill();
  await peers[0]!.kill();
  const back = await startPeer(1, bootstrap);
  expect(back.peerId).toBe(ids[1]);
  expect(await peers[1]!.call('isPinned', cid)).toBe(true);
  expect(await peers[1]!.call('get', cid, 3_000_000)).toBe(true);
  await until(async () => (await peers[1]!.call<string[]>('peers')).includes(ids[2]!));
  const warnings = await peers[1]!.call<string[]>('warnings');
  expect(warnings.some((line) => line.includes('bootstrap peer is away'))).toBe(true);
  peers[0] = forkPeer();
});
