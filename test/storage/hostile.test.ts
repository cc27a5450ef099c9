import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { equalBytes, FedaiError, silentLog, utf8 } from '../../core/index.ts';
import { createPeer, importDataset, openDataset, type Peer } from '../../storage/index.ts';
import { CONTENT_PROTOCOL } from '../../storage/nearby.ts';
import { until } from './until.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
let directory: string;
const peers: Peer[] = [];
let honest: Peer;
let hostile: Peer;

async function start(seedByte: number, bootstrap: string[]): Promise<Peer> {
  const peer = await createPeer({
    dataDir: join(directory, `${seedByte}`),
    peerPrivateKey: new Uint8Array(32).fill(seedByte),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap,
    log: silentLog,
  });
  peers.push(peer);
  return peer;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-hostile-'));
  honest = await start(11, []);
  hostile = await start(12, honest.addresses());
  await until(() => honest.peers().length === 1);
});
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.stop()));
  await rm(directory, { recursive: true, force: true });
});

const limits = { timeoutMs: 10_000, maxBytes: 1_000 };

test('requests: answers, frames, refusals, sizes and truncation', async () => {
  await honest.requests.handle('/test/echo/1', async (request) => request);
  await honest.requests.handle('/test/frames/1', async function* () {
    for (let i = 1; i <= 3; i++) yield Uint8Array.of(i, i);
  });
  await honest.requests.handle('/test/refuse/1', async () => {
    throw new FedaiError('NO_SUCH_THING', 'not here');
  });
  await honest.requests.handle('/test/large/1', async () => new Uint8Array(1_001));
  const ask = (name: string, bytes: Uint8Array = new Uint8Array(0)) =>
    hostile.requests.request(honest.peerId, `/test/${name}/1`, bytes, limits);
  expect(await ask('echo', utf8('hi'))).toEqual(utf8('hi'));
  expect(await ask('echo')).toEqual(new Uint8Array(0));
  const frames: number[] = [];
  for await (const frame of hostile.requests.requestFrames(
    honest.peerId,
    '/test/frames/1',
    utf8('x'),
    limits,
  )) {
    frames.push(...frame);
  }
  expect(frames).toEqual([1, 1, 2, 2, 3, 3]);
  await expect(ask('refuse')).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    data: { reason: 'NO_SUCH_THING' },
  });
  await expect(ask('large')).rejects.toMatchObject({ code: 'TOO_LARGE' });
  await expect(ask('unknown')).rejects.toMatchObject({ code: 'PEER_UNREACHABLE', transient: true });
  expect(hostile.scores.score(honest.peerId)).toBeLessThan(0);
});

test('content from a named peer: the block itself, and bitswap where that peer lies, keeps silent or is unknown', async () => {
  const read = (cid: string, from: string) =>
    honest.content.getBytes(cid, { maxBytes: 1 << 20, timeoutMs: 60_000, from });
  const offer = async (fill: number): Promise<[string, Uint8Array]> => {
    const bytes = new Uint8Array(650_000).fill(fill);
    return [await hostile.content.putBytes(bytes), bytes];
  };
  const [told, right] = await offer(1);
  expect(equalBytes(await read(told, hostile.peerId), right)).toBe(true);
  expect(await honest.content.hasLocal(told)).toBe(true);

  const asked: string[] = [];
  await hostile.requests.handle(CONTENT_PROTOCOL, async () => {
    asked.push('lie');
    return new Uint8Array(650_000);
  });
  const [lied, afterLie] = await offer(2);
  expect(equalBytes(await read(lied, hostile.peerId), afterLie)).toBe(true);
  await hostile.requests.handle(CONTENT_PROTOCOL, async () => {
    asked.push('silence');
    return await new Promise(() => {});
  });
  const [kept, afterSilence] = await offer(3);
  expect(equalBytes(await read(kept, hostile.peerId), afterSilence)).toBe(true);
  expect(asked).toEqual(['lie', 'silence']);

  const [unnamed, bytes] = await offer(4);
  expect(equalBytes(await read(unnamed, '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'), bytes)).toBe(
    true,
  );
});

test('a peer that drips is cut off in time', async () => {
  await honest.requests.handle('/test/slow/1', async () => new Uint8Array(1), { timeoutMs: 300 });
  const stream = await hostile.libp2p.dialProtocol(honest.libp2p.peerId, '/test/slow/1');
  stream.send(Uint8Array.of(0, 0, 0, 9, 1));
  await until(() => stream.status !== 'open');
});

test('a flood of requests is refused and costs score', async () => {
  await honest.requests.handle('/test/rate/1', async () => new Uint8Array(1), {
    perPeerPerSecond: 1,
    perPeerBurst: 3,
  });
  const before = honest.scores.score(hostile.peerId);
  const answers = await Promise.allSettled(
    Array.from({ length: 6 }, () =>
      hostile.requests.request(honest.peerId, '/test/rate/1', utf8('x'), limits),
    ),
  );
  expect(answers.filter((answer) => answer.status === 'fulfilled').length).toBeLessThanOrEqual(3);
  expect(honest.scores.score(hostile.peerId)).toBeLessThan(before);
});

test('what was imported by one is read by another, but not without the key', async () => {
  const key = new Uint8Array(32).fill(7);
  const labels = Uint8Array.from({ length: 64 }, (_, i) => i % 2);
  const source = {
    kind: 'records',
    inputs: new Uint8Array(64 * 4),
    labels,
    shape: [2, 2, 1],
    classes: 2,
  } as const;
  const options = { name: 'secret', licence: 'none', encryptKey: key };
  const { manifestCid } = await importDataset(hostile.content, source, options);
  const set = await openDataset(honest.content, manifestCid, { key });
  expect((await set.all()).labels).toEqual(labels);
  await expect(openDataset(honest.content, manifestCid)).rejects.toMatchObject({ code: 'BAD_KEY' });
});

test('garbage on a topic gets a verdict, the score falls, the sender is banned', async () => {
  honest.gossip.subscribe('/test/strict', async () => ({ verdict: 'reject', reason: 'garbage' }));
  await until(() => hostile.gossip.listeners('/test/strict').length === 1);
  await expect(hostile.gossip.publish('/test/strict', new Uint8Array(65_537))).rejects.toMatchObject({
    code: 'TOO_LARGE',
  });
  let sent = 0;
  while (!honest.scores.isBanned(hostile.peerId)) {
    await hostile.gossip.publish('/test/strict', utf8(`garbage ${sent++}`)).catch(() => 0);
    await new Promise((done) => setTimeout(done, 10));
  }
  expect(honest.scores.score(hostile.peerId)).toBeLessThan(-90);
  await until(() => honest.peers().length === 0);
});

test('raw garbage on every protocol leaves the process standing', async () => {
  const third = await start(13, honest.addresses());
  await until(() => third.peers().includes(honest.peerId));
  for (const protocol of honest.libp2p.getProtocols()) {
    const stream = await third.libp2p.dialProtocol(honest.libp2p.peerId, protocol).catch(() => undefined);
    try {
      stream?.send(crypto.getRandomValues(new Uint8Array(20_000)));
      await stream?.close();
    } catch {
      // The honest side may already have hung up.
    }
  }
  const fourth = await start(14, honest.addresses());
  await until(() => fourth.peers().includes(honest.peerId));
});

test('a port in use and a bad bootstrap address are named', async () => {
  const taken = honest.addresses()[0]!.split('/p2p/')[0]!;
  const input = { peerPrivateKey: new Uint8Array(32).fill(15), bootstrap: [], log: silentLog };
  await expect(
    createPeer({ ...input, dataDir: join(directory, '15'), listen: [taken] }),
  ).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
  });
  const listen = ['/ip4/127.0.0.1/tcp/0'];
  const wrong = { ...input, dataDir: join(directory, '15'), listen, bootstrap: ['localhost:4001'] };
  await expect(createPeer(wrong)).rejects.toMatchObject({ code: 'BAD_ADDRESS' });
});
