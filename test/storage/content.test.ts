/** One suite for the embedded content store and for the one in Kubo, and a Kubo that misbehaves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { silentLog, utf8 } from '../../core/index.ts';
import { createPeer, type LocalStore, openKuboStore, openLocalStore } from '../../storage/index.ts';
import { contentSuite } from './contentSuite.ts';
import { type KuboServer, startKuboServer } from './kuboServer.ts';
import { until } from './until.ts';

const limits = { maxBytes: 8 * 2 ** 20 };
/** Of a Kubo that hangs; the others answer long before. */
const PATIENCE_MS = 1_000;
let folder: string;
let embedded: LocalStore;
let kubo: KuboServer;
let external: LocalStore;
let impatient: LocalStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-content-'));
  embedded = await openLocalStore(folder);
  kubo = await startKuboServer();
  external = await openKuboStore(kubo.url);
  impatient = await openKuboStore(kubo.url, silentLog, PATIENCE_MS);
});
beforeEach(() => {
  kubo.mood = 'well';
});
afterAll(async () => {
  await Promise.all([embedded, external, impatient].map((store) => store?.close()));
  await kubo?.close().catch(() => {});
  await rm(folder, { recursive: true, force: true });
});

contentSuite('embedded', () => embedded.content);
contentSuite('kubo', () => external.content);

test('a pin holds in Kubo itself', async () => {
  const cid = await external.content.putBytes(utf8('held'));
  await external.content.pin(cid);
  expect(kubo.pins.has(cid)).toBe(true);
  await external.content.unpin(cid);
  expect(kubo.pins.has(cid)).toBe(false);
});

test('a Kubo that answers other bytes, or bytes without end, is found out', async () => {
  const cid = await external.content.putBytes(utf8('the truth'));
  kubo.mood = 'wrong bytes';
  await expect(external.content.getBytes(cid, limits)).rejects.toMatchObject({ code: 'BAD_CONTENT' });
  expect(await external.content.rawBlock(cid, { offline: true })).toBeUndefined();
  kubo.mood = 'endless';
  await expect(external.content.getBytes(cid, limits)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  kubo.mood = 'wrong id';
  await expect(external.content.putBytes(utf8('mine'))).rejects.toMatchObject({ code: 'BAD_CONTENT' });
});

test('a Kubo that fails or hangs is told of as such', async () => {
  const { content } = impatient;
  const cid = await content.putBytes(utf8('kept'));
  kubo.mood = 'fails';
  const refused = { code: 'KUBO_REFUSED', transient: true };
  await expect(content.putBytes(utf8('new'))).rejects.toMatchObject(refused);
  await expect(content.pin(cid)).rejects.toMatchObject({ transient: true });
  kubo.mood = 'hangs';
  const away = { code: 'KUBO_UNREACHABLE', transient: true };
  await expect(content.putBytes(utf8('new'))).rejects.toMatchObject(away);
  await expect(content.getBytes(cid, limits)).rejects.toMatchObject(away);
  await expect(content.hasLocal(cid)).rejects.toMatchObject(away);
  await expect(content.getBytes(cid, { ...limits, timeoutMs: 100 })).rejects.toMatchObject({
    transient: true,
  });
});

test('a Kubo that was away is used again once it is back', async () => {
  const cid = await external.content.putBytes(utf8('still here'));
  await kubo.close();
  const away = { code: 'KUBO_UNREACHABLE', transient: true };
  await expect(external.content.getBytes(cid, limits)).rejects.toMatchObject(away);
  await expect(external.content.putBytes(utf8('later'))).rejects.toMatchObject(away);
  await kubo.listen();
  expect(await external.content.getBytes(cid, limits)).toEqual(utf8('still here'));
});

test('a peer on a Kubo serves from it, and puts there what it fetches', async () => {
  const start = (name: string, bootstrap: string[], kuboUrl?: string) =>
    createPeer({
      dataDir: join(folder, name),
      peerPrivateKey: new Uint8Array(32).fill(name.length),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap,
      log: silentLog,
      ...(kuboUrl !== undefined && { kubo: kuboUrl }),
    });
  const onKubo = await start('on a kubo', [], kubo.url);
  const other = await start('embedded peer', onKubo.addresses());
  try {
    await until(() => onKubo.peers().length === 1);
    const here = await external.content.putBytes(utf8('put there by another command'));
    expect(await other.content.getBytes(here, limits)).toEqual(utf8('put there by another command'));
    const there = await other.content.putBytes(utf8('of the other'));
    await onKubo.content.pin(there);
    expect(kubo.blocks.has(there) && kubo.pins.has(there)).toBe(true);
  } finally {
    await Promise.all([other.stop(), onKubo.stop()]);
  }
});
