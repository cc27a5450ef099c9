/** `fedai explorer`: what its little server passes on to a chain node, and what it refuses. */
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { EXPLORER_PAGES } from '../../cli/explorer/pages.ts';
import { type ExplorerProxy, startExplorerProxy } from '../../cli/explorer/proxy.ts';
import { silentLog } from '../../core/index.ts';
import { type SoloChain, startSoloChain } from '../support/soloChain.ts';

let chain: SoloChain;
let proxy: ExplorerProxy;
let origin: string;

beforeAll(async () => {
  chain = await startSoloChain({
    mining: 'manual',
    content: async (cid) => (cid === 'bafkreiexplorer' ? new TextEncoder().encode('content') : undefined),
  });
  const { rpcUrl } = chain;
  proxy = await startExplorerProxy({
    pages: EXPLORER_PAGES,
    rpc: rpcUrl,
    host: '127.0.0.1',
    port: 0,
    log: silentLog,
  });
  origin = new URL(proxy.url).origin;
});

afterAll(async () => {
  await proxy.stop();
  await chain.stop();
});

/** Status of a GET under another name. */
const statusAs = (host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(origin);
    request({ host: '127.0.0.1', port, path: '/explorer', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

test('calls, content and heads come from the chain node', async () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] });
  const called = await fetch(origin, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(await called.json()).toMatchObject({ result: '0x0' });
  expect(await (await fetch(`${origin}/ipfs/bafkreiexplorer`)).text()).toBe('content');
  expect((await fetch(`${origin}/ipfs/bafkreinothing`)).status).toBe(404);
  const socket = new WebSocket(origin.replace('http', 'ws'), { origin });
  const head = new Promise<string>((resolve) => {
    socket.on('message', (data) => {
      const message = JSON.parse(data.toString());
      if (message.id === 1) void chain.mine();
      else resolve(message.params.result.number);
    });
  });
  socket.on('open', () =>
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] })),
  );
  expect(await head).toBe('0x1');
  socket.terminate();
});

test('nothing else is passed on, and no other page may ask', async () => {
  expect((await fetch(`${origin}/health`)).status).toBe(404);
  expect((await fetch(origin, { method: 'DELETE' })).status).toBe(404);
  expect(await statusAs('rebound.example')).toBe(403);
  expect(
    (await fetch(origin, { method: 'POST', headers: { origin: 'http://elsewhere.example' } })).status,
  ).toBe(403);
  const refused = new WebSocket(origin.replace('http', 'ws'), { origin: 'http://elsewhere.example' });
  await new Promise((resolve) => refused.on('error', resolve));
});
