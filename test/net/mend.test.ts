import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { silentLog, steadyClock } from '../../core/index.ts';
import { mendConnections } from '../../net/mend.ts';
import { createPeer, type Peer } from '../../storage/index.ts';
import { until } from '../storage/until.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
const HOUR_MS = 3_600_000;
let directory: string;
let a: Peer;
let b: Peer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-mend-'));
  const start = (seedByte: number, bootstrap: string[]) =>
    createPeer({
      dataDir: join(directory, `${seedByte}`),
      peerPrivateKey: new Uint8Array(32).fill(seedByte),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap,
      log: silentLog,
    });
  a = await start(41, []);
  b = await start(42, a.addresses());
  b.gossip.subscribe('/test/mend', async () => ({ verdict: 'accept' }));
  await until(() => a.gossip.listeners('/test/mend').length === 1);
});
afterAll(async () => {
  await Promise.all([a.stop(), b.stop()]);
  await rm(directory, { recursive: true, force: true });
});

test('a connection that lost gossip is closed and comes back with it', async () => {
  const outbound = () =>
    a.libp2p
      .getConnections()
      .flatMap((connection) => connection.streams)
      .filter((stream) => stream.protocol.startsWith('/meshsub/') && stream.direction === 'outbound');
  await until(() => outbound().length === 1);
  const before = a.libp2p.getConnections()[0]!.id;
  // A connection's age counts from the first look at it.
  await mendConnections(a.libp2p, silentLog, steadyClock.now());
  await mendConnections(a.libp2p, silentLog, steadyClock.now() + HOUR_MS);
  expect(a.libp2p.getConnections()[0]!.id).toBe(before);
  outbound()[0]!.abort(new TypeError('cut'));
  await mendConnections(a.libp2p, silentLog, steadyClock.now());
  expect(a.libp2p.getConnections()[0]!.id).toBe(before);
  await mendConnections(a.libp2p, silentLog, steadyClock.now() + HOUR_MS);
  await until(() => outbound().length === 1 && a.libp2p.getConnections()[0]!.id !== before);
  await until(() => a.gossip.listeners('/test/mend').length === 1);
});
