import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { silentLog, toHex, uintBytes } from '../../core/index.ts';
import { createMarket, followHeights, httpTransport, type MarketContracts } from '../../market/index.ts';

const contracts = Object.fromEntries(
  ['jobManager', 'staking', 'workerRegistry', 'beaconHistory'].map((name, i) => [
    name,
    toHex(uintBytes(i + 1, 20)),
  ]),
) as unknown as MarketContracts;
let server: Server | undefined;

afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

/** An endpoint whose answers come from `answer`; resolves with its port. */
async function serve(answer: () => { status: number; body: string }, port = 0): Promise<number> {
  server = createServer((_, response) => {
    const { status, body } = answer();
    response.writeHead(status, { connection: 'close' }).end(body);
  });
  await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const height = (number: number) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: `0x${number.toString(16)}` });

test('an endpoint that is away is a transient fault with a remedy, and gives up after the attempts asked for', async () => {
  const port = await serve(() => ({ status: 200, body: height(1) }));
  await new Promise<void>((resolve) => server!.close(() => resolve()));
  server = undefined;
  const rpc = `http://127.0.0.1:${port}`;
  await expect(httpTransport(rpc).request('eth_blockNumber', [])).rejects.toMatchObject({
    code: 'RPC_UNAVAILABLE',
    transient: true,
    remedy: expect.stringContaining('chain node'),
  });
  await expect(createMarket({ rpc, contracts, attempts: 2 }).height()).rejects.toMatchObject({
    code: 'RPC_UNAVAILABLE',
  });
});

test('a read waits until the endpoint is back', async () => {
  const port = await serve(() => ({ status: 200, body: height(7) }));
  await new Promise<void>((resolve) => server!.close(() => resolve()));
  const waiting = createMarket({ rpc: `http://127.0.0.1:${port}`, contracts }).height();
  setTimeout(() => void serve(() => ({ status: 200, body: height(7) }), port), 300);
  expect(await waiting).toBe(7);
});

test('what is no JSON-RPC is a transient fault, an error object is not', async () => {
  let body = '<html>busy</html>';
  const port = await serve(() => ({ status: 503, body }));
  const transport = httpTransport(`http://127.0.0.1:${port}`);
  await expect(transport.request('eth_chainId', [])).rejects.toMatchObject({ transient: true });
  body = JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'no such method' } });
  await expect(transport.request('eth_chainId', [])).rejects.toMatchObject({
    code: 'RPC_ERROR',
    transient: false,
  });
});

test.each([
  ['eth_blockNumber', 7],
  ['eth_blockNumber', '0xffffffffffffffffff'],
  ['eth_chainId', null],
  ['eth_call', '0xabc'],
  ['eth_getLogs', {}],
  ['eth_getLogs', [{ address: '0x', topics: [], data: '0x', blockNumber: '0x1', transactionHash: '0x' }]],
  ['eth_getTransactionReceipt', { status: '0x1' }],
  ['eth_getBlockByNumber', null],
])('%s answered by %j is as if the endpoint were away', async (method, result) => {
  const port = await serve(() => ({ status: 200, body: JSON.stringify({ jsonrpc: '2.0', id: 1, result }) }));
  await expect(httpTransport(`http://127.0.0.1:${port}`).request(method, [])).rejects.toMatchObject({
    code: 'RPC_UNAVAILABLE',
    transient: true,
    data: { method },
  });
});

test('following heights survives a step that fails and offers the same height again', async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  await followHeights(
    { height: async () => 5 },
    async (at) => {
      seen.push(at);
      if (seen.length === 1) throw new Error('a step fails');
      stop.abort();
    },
    { pollMs: 5, log: silentLog, signal: stop.signal },
  );
  expect(seen).toEqual([5, 5]);
});
