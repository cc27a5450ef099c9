/** The content suite over a real Kubo, where there is one: `ipfs` or `kubo` on the path, or the binary that FEDAI_KUBO names. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../core/index.ts';
import { type LocalStore, openKuboStore } from '../../storage/index.ts';
import { contentSuite } from '../storage/contentSuite.ts';
import { until } from '../storage/until.ts';

function findKubo(): string | undefined {
  if (process.env.FEDAI_KUBO) return process.env.FEDAI_KUBO;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const places = ['ipfs', 'kubo'].flatMap((name) => folders.map((folder) => join(folder, name)));
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const binary = findKubo();
if (binary === undefined) {
  process.stderr.write('kubo: skipped, for there is no ipfs or kubo on the path and FEDAI_KUBO is not set\n');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

describe.skipIf(binary === undefined)('Kubo', () => {
  let folder: string;
  let daemon: ChildProcess | undefined;
  let url: string;
  let store: LocalStore;
  const run = (...args: string[]): string =>
    execFileSync(binary!, args, { env: { ...process.env, IPFS_PATH: folder }, encoding: 'utf8' }).trim();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fedai-kubo-'));
    run('init', '--empty-repo');
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    run('config', 'Addresses.API', `/ip4/127.0.0.1/tcp/${port}`);
    run('config', 'Addresses.Gateway', '/ip4/127.0.0.1/tcp/0');
    run('config', '--json', 'Addresses.Swarm', '[]');
    run('config', '--json', 'Bootstrap', '[]');
    daemon = spawn(binary!, ['daemon', '--offline'], {
      env: { ...process.env, IPFS_PATH: folder },
      stdio: 'ignore',
    });
    await until(async () => {
      const answer = await fetch(`${url}/api/v0/version`, { method: 'POST' }).catch(() => undefined);
      return answer?.ok === true;
    });
    store = await openKuboStore(url);
  });
  afterAll(async () => {
    await store?.close();
    if (daemon !== undefined) {
      const gone = new Promise((done) => daemon!.once('exit', done));
      daemon.kill('SIGTERM');
      await gone;
    }
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  contentSuite('kubo', () => store.content);

  test('gives a file the id that fedai gives it, and keeps what is pinned', async () => {
    const path = join(folder, 'config');
    const cid = await store.content.putBytes(new Uint8Array(await readFile(path)));
    const chunks = ['--chunker=size-1048576', '--raw-leaves', '--cid-version=1', '--quieter', '--pin=false'];
    expect(run('add', ...chunks, path)).toBe(cid);
    await store.content.pin(cid);
    const loose = await store.content.putBytes(utf8('not held'));
    run('repo', 'gc');
    expect(await store.content.hasLocal(cid)).toBe(true);
    expect(await store.content.hasLocal(loose)).toBe(false);
  });
});
