import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRpcServer, type RpcServer } from '../../../chain/index.ts';
import { silentLog } from '../../../core/index.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

let folder: string;
let chain: SoloChain;
let rpc: RpcServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-pages-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(folder, 'assets/main.js'), `export const text = '${'explorer '.repeat(200)}';`);
  await writeFile(join(folder, 'sources.sha256'), 'not served');
  chain = await startSoloChain({ mining: 'manual' });
  rpc = createRpcServer({ application: chain.application, log: silentLog, port: 0, explorer: folder });
  await rpc.start();
});

afterAll(async () => {
  await rpc.stop();
  await chain.stop();
  await rm(folder, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${rpc.url}${path}`, { headers, redirect: 'manual' });

/** Whether a page of this origin gets a WebSocket. */
const opens = (origin: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = new WebSocket(rpc.url.replace('http', 'ws'), { origin });
    socket.on('open', () => {
      socket.terminate();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

describe('the explorer on the RPC port', () => {
  test.each(['/explorer', '/explorer/', '/explorer/block/12', '/explorer/search/a%20b'])(
    '%s is the one page, under a policy of its own origin',
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('<title>page</title>');
      const policy = response.headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("connect-src 'self'");
      expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|\*/);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    },
  );

  test('packs what gets smaller by it, and keeps assets for good', async () => {
    const response = await get('/explorer/assets/main.js', { 'accept-encoding': 'gzip' });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(await response.text()).toContain('explorer explorer');
    const plain = await get('/explorer/assets/main.js', { 'accept-encoding': 'identity' });
    expect(plain.headers.get('content-encoding')).toBeNull();
  });

  test.each(['/explorer/assets/other.js', '/explorer/assets/../sources.sha256', '/explorerx'])(
    '%s is nothing, or the page, and never another file',
    async (path) => {
      expect(await (await get(path)).text()).not.toContain('not served');
    },
  );

  test('the root leads to it, and calls still reach the chain', async () => {
    expect((await get('/')).headers.get('location')).toBe('/explorer');
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
    const called = await fetch(rpc.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(await called.json()).toMatchObject({ result: '0x7a69' });
  });

  test('its own pages may subscribe, others may not', async () => {
    expect(await opens(rpc.url)).toBe(true);
    expect(await opens('http://elsewhere.example')).toBe(false);
    expect(await opens('null')).toBe(false);
  });
});

test('pages that are not built say how to build them', async () => {
  const bare = createRpcServer({
    application: chain.application,
    log: silentLog,
    port: 0,
    explorer: join(folder, 'nothing'),
  });
  await bare.start();
  const response = await fetch(`${bare.url}/explorer`);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('npm run build');
  await bare.stop();
});
