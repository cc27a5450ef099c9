import { once } from 'node:events';
import { connect } from 'node:net';
import { Wallet, WebSocketProvider } from 'ethers';
import { createPublicClient, webSocket } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Hex } from '../../../core/index.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

let chain: SoloChain;
let url: string;
const open: { close(): unknown }[] = [];
beforeAll(async () => {
  chain = await startSoloChain({ mining: 'manual' });
  url = chain.rpcUrl.replace('http', 'ws');
});
afterAll(async () => {
  for (const one of open) await one.close();
  await chain.stop();
});

/** A connection with its messages in order. */
async function dial(headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, { headers });
  open.push(socket);
  const queue: string[] = [];
  const readers: ((text: string) => void)[] = [];
  socket.on('message', (data) => {
    const reader = readers.shift();
    if (reader) reader(String(data));
    else queue.push(String(data));
  });
  await once(socket, 'open');
  const next = () =>
    new Promise<string>((resolve) => {
      const text = queue.shift();
      if (text === undefined) readers.push(resolve);
      else resolve(text);
    }).then((text) => JSON.parse(text));
  const call = (method: string, ...params: unknown[]) => {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    return next();
  };
  return { socket, next, call };
}

async function transfer(nonce: number): Promise<Hex> {
  const wallet = new Wallet(chain.accounts[0]!.privateKey);
  const raw = await wallet.signTransaction({
    type: 2,
    chainId: 31_337,
    nonce,
    to: chain.accounts[1]!.address,
    value: 1n,
    gasLimit: 21_000n,
    maxFeePerGas: 10_000_000_000n,
    maxPriorityFeePerGas: 1n,
  });
  return raw as Hex;
}

test('new heads, waiting transactions and unsubscribing', async () => {
  const { call, next } = await dial();
  const heads = (await call('eth_subscribe', 'newHeads')).result;
  const waiting = (await call('eth_subscribe', 'newPendingTransactions')).result;
  expect(heads).toMatch(/^0x[0-9a-f]{32}$/);
  const height = chain.application.head.height;
  const answers = [await call('eth_sendRawTransaction', await transfer(0)), await next()];
  const sent = answers.find(({ id }) => id === 1).result;
  expect(answers.find(({ method }) => method === 'eth_subscription').params).toEqual({
    subscription: waiting,
    result: sent,
  });
  await chain.mine();
  const { params } = await next();
  expect(params.subscription).toBe(heads);
  expect(Number(params.result.number)).toBe(height + 1);
  expect(params.result.transactions).toBeUndefined();
  expect((await call('eth_unsubscribe', heads)).result).toBe(true);
  expect((await call('eth_unsubscribe', heads)).result).toBe(false);
  await chain.mine();
  expect((await call('eth_blockNumber')).result).toBe(`0x${(height + 2).toString(16)}`);
});

test('logs come by address and topic', async () => {
  const { call, next } = await dial();
  const beacon = chain.spec.contracts.staking;
  const logs = (await call('eth_subscribe', 'logs', { address: beacon })).result;
  await call('eth_subscribe', 'logs', { address: `0x${'12'.repeat(20)}` });
  const wallet = new Wallet(chain.accounts[2]!.privateKey);
  // deposit()
  const raw = await wallet.signTransaction({
    type: 2,
    chainId: 31_337,
    nonce: 0,
    to: beacon,
    value: 5n,
    data: '0xd0e30db0',
    gasLimit: 300_000n,
    maxFeePerGas: 10_000_000_000n,
    maxPriorityFeePerGas: 1n,
  });
  const hash = (await call('eth_sendRawTransaction', raw)).result;
  await chain.mine();
  const first = await next();
  expect(first.params).toMatchObject({ subscription: logs, result: { transactionHash: hash } });
});

test('ethers and viem follow blocks', async () => {
  const ethers = new WebSocketProvider(url);
  const viem = createPublicClient({ transport: webSocket(url) });
  const seen = new Promise<number>((resolve) => void ethers.once('block', resolve));
  const watched = new Promise<bigint>((resolve) => {
    const stop = viem.watchBlockNumber({
      onBlockNumber(height) {
        resolve(height);
        stop();
      },
    });
  });
  // Both subscribe in their own time: blocks are made until each has seen one.
  let [a, b]: [number?, bigint?] = [];
  void seen.then((height) => (a = height));
  void watched.then((height) => (b = height));
  while (a === undefined || b === undefined) {
    await chain.mine();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(a).toBeLessThanOrEqual(chain.application.head.height);
  expect(b).toBeLessThanOrEqual(BigInt(chain.application.head.height));
  await ethers.destroy();
  (await viem.transport.getRpcClient()).close();
}, 60_000);

test('bad calls get errors and the connection lives', async () => {
  const { socket, next, call } = await dial();
  expect((await call('eth_subscribe', 'nonsense')).error.code).toBe(-32602);
  expect((await call('eth_subscribe', 'logs', { topics: 'x' })).error.code).toBe(-32602);
  socket.send('{');
  expect((await next()).error.code).toBe(-32700);
  socket.send(Buffer.from([0xff, 0x00]));
  expect((await next()).error.code).toBe(-32700);
  for (let i = 0; i < 64; i++) await call('eth_subscribe', 'newHeads');
  expect((await call('eth_subscribe', 'newHeads')).error.code).toBe(-32005);
  socket.send(
    JSON.stringify([
      { jsonrpc: '2.0', id: 5, method: 'eth_chainId' },
      { jsonrpc: '2.0', id: 6, method: 'x' },
    ]),
  );
  expect((await next()).map(({ id }: { id: number }) => id)).toEqual([5, 6]);
});

test('subscriptions need a connection', async () => {
  const response = await fetch(chain.rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }),
  });
  expect((await response.json()).error.code).toBe(-32601);
});

test.each([
  [{ origin: 'https://elsewhere.example' }, 403],
  [{ host: 'rebound.example' }, 403],
])('%j is refused', async (headers, status) => {
  const socket = new WebSocket(url, { headers });
  const [, response] = await once(socket, 'unexpected-response').catch((error) => [undefined, error]);
  expect(response.statusCode).toBe(status);
});

test('too large a message, a flood and a stop close the connection', async () => {
  const large = await dial();
  large.socket.send('x'.repeat(6 * 1024 * 1024));
  expect((await once(large.socket, 'close'))[0]).toBe(1009);
  const flood = await dial();
  for (let i = 0; i < 2_000; i++) flood.socket.send('{"id":1,"method":"eth_chainId"}');
  expect((await once(flood.socket, 'close'))[0]).toBe(1008);
  const raw = connect(Number(new URL(url).port), '127.0.0.1');
  raw.write('GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
  expect(String((await once(raw, 'data'))[0])).toMatch(/^HTTP\/1.1 4\d\d/);
  raw.destroy();
});
