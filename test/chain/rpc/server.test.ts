import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRpcServer } from '../../../chain/index.ts';
import { isKnownHost } from '../../../chain/rpc/host.ts';
import { createTurns } from '../../../chain/rpc/turns.ts';
import { silentLog, utf8 } from '../../../core/index.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

let chain: SoloChain;
beforeAll(async () => {
  chain = await startSoloChain({
    mining: 'manual',
    content: async (cid) => (cid === 'bafkreiknown' ? utf8('block') : undefined),
  });
});
afterAll(() => chain.stop());

const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  fetch(chain.rpcUrl, { method: 'POST', body, headers });
const call = async (method: string, ...params: unknown[]) =>
  await (await post(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }))).json();

describe('bodies', () => {
  test('batches answer in order, notifications not at all', async () => {
    const batch = [
      { jsonrpc: '2.0', id: 1, method: 'eth_chainId' },
      { jsonrpc: '2.0', method: 'eth_blockNumber' },
      { jsonrpc: '2.0', id: 'x', method: 'nope' },
      5,
    ];
    const answers = await (await post(JSON.stringify(batch))).json();
    expect(answers).toEqual([
      { jsonrpc: '2.0', id: 1, result: '0x7a69' },
      {
        jsonrpc: '2.0',
        id: 'x',
        error: { code: -32601, message: 'the method nope does not exist/is not available' },
      },
      { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'invalid request' } },
    ]);
  });

  test.each([
    ['{', -32700],
    ['[]', -32600],
    ['null', -32600],
    ['{"method":5,"id":1}', -32600],
    ['{"method":"eth_chainId","params":{},"id":1}', -32600],
    [JSON.stringify(Array.from({ length: 101 }, () => ({}))), -32600],
  ])('%s is answered %i', async (body, code) => {
    expect((await (await post(body)).json()).error.code).toBe(code);
  });

  test('a body that is too large is refused', async () => {
    const answer = await post(`"${'x'.repeat(6 * 1024 * 1024)}"`).catch(() => undefined);
    // The socket may close while the body is still being sent.
    if (answer !== undefined) expect(answer.status).toBe(413);
    expect((await call('eth_chainId')).result).toBe('0x7a69');
  });

  test.each([
    ['eth_getBalance', ['0x12']],
    ['eth_getBalance', [null]],
    ['eth_getBalance', [`0x${'11'.repeat(20)}`, 'yesterday']],
    ['eth_getBlockByHash', ['0x1']],
    ['eth_getLogs', [{ fromBlock: '0x5', toBlock: '0x1' }]],
    ['eth_getLogs', [{ topics: 'x' }]],
    ['eth_getLogs', []],
    ['eth_call', []],
    ['eth_call', [{ to: 7 }]],
    ['eth_sendRawTransaction', ['zz']],
    ['eth_getProof', [`0x${'11'.repeat(20)}`, 'x']],
    ['eth_feeHistory', ['0x5', 'latest', [50, 20]]],
    ['eth_getStorageAt', [`0x${'11'.repeat(20)}`, {}]],
    ['fedai_getCommit', [-1]],
  ])('%s %j is -32602', async (method, params) => {
    expect((await call(method, ...params)).error.code).toBe(-32602);
  });

  test.each([
    ['eth_sendRawTransaction', ['0x'], /not a transaction/],
    ['eth_sendRawTransaction', [`0x02${'ff'.repeat(40)}`], /not a transaction/],
    ['eth_getBalance', [`0x${'11'.repeat(20)}`, '0xffff'], /header not found/],
    ['eth_getFilterChanges', ['0x1'], /filter not found/],
  ])('%s %j is -32000', async (method, params, message) => {
    const { error } = await call(method, ...params);
    expect(error.code).toBe(-32_000);
    expect(error.message).toMatch(message);
  });
});

describe('calls', () => {
  /** Init code that returns NUMBER and TIMESTAMP. */
  const TELL_BLOCK = '0x435f524260205260405ff3';
  const blockOf = async (...tag: unknown[]) => {
    const { result } = await call('eth_call', { data: TELL_BLOCK }, ...tag);
    return [Number(result.slice(0, 66)), Number(`0x${result.slice(66)}`)];
  };

  test('`pending` is the next block, by number and time', async () => {
    await chain.mine();
    const { height, timestamp } = chain.application.head;
    expect(await blockOf()).toEqual([height, timestamp]);
    expect(await blockOf('latest')).toEqual([height, timestamp]);
    const [number, time] = await blockOf('pending');
    expect(number).toBe(height + 1);
    expect(time).toBeGreaterThan(timestamp);
    expect(Math.abs(time! - Date.now() / 1000)).toBeLessThan(10);
  });

  test('gas is estimated in the next block, unless another is named', async () => {
    const next = (chain.application.head.height + 1).toString(16).padStart(2, '0');
    // Reverts before that height.
    const timed = { data: `0x60${next}4310600857005b5f5ffd` };
    expect((await call('eth_estimateGas', timed, 'latest')).error.code).toBe(3);
    expect(Number((await call('eth_estimateGas', timed, 'pending')).result)).toBeGreaterThan(21_000);
    expect(Number((await call('eth_estimateGas', timed)).result)).toBeGreaterThan(21_000);
  });

  test('a batch of endless loops leaves time for everything else', async () => {
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    const loop = { method: 'eth_call', params: [{ data: '0x5b5f56', gas: '0x7a120' }], jsonrpc: '2.0' };
    const answers = await (
      await post(JSON.stringify(Array.from({ length: 6 }, (_, id) => ({ ...loop, id }))))
    ).json();
    clearInterval(ticking);
    expect(answers.map((one: { error: { message: string } }) => one.error.message)).toEqual(
      Array(6).fill('out of gas'),
    );
    expect(ticks).toBeGreaterThanOrEqual(6);
  });

  test('run one at a time, with rests between long ones, and are refused when too many wait', async () => {
    const turns = createTurns();
    const spans: [number, number][] = [];
    const work = async () => {
      const startedMs = performance.now();
      while (performance.now() - startedMs < 20);
      spans.push([startedMs, performance.now()]);
    };
    await Promise.all([
      turns(work),
      turns(() => Promise.reject(new Error('failed'))).catch(() => {}),
      turns(work),
    ]);
    expect(spans[1]![0] - spans[0]![1]).toBeGreaterThanOrEqual(15);
    const waiting = Array.from({ length: 256 }, () => turns(async () => {}));
    expect(() => turns(async () => {})).toThrowError(expect.objectContaining({ code: 'RPC_FAULT' }));
    await Promise.all(waiting);
    expect(await turns(async () => 5)).toBe(5);
  });
});

describe('transport', () => {
  test('a name that is not this machine’s is refused: a page may have pointed it here', async () => {
    const { port } = new URL(chain.rpcUrl);
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        get(`${chain.rpcUrl}/health`, { headers: { host } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }).on('error', reject);
      });
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, 'node.localhost'])
      expect(await statusFor(host)).toBe(200);
    for (const host of [`evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example', 'a b'])
      expect(await statusFor(host)).toBe(403);
    expect(isKnownHost('rpc.example', '127.0.0.1', ['https://rpc.example'])).toBe(true);
    expect(isKnownHost('validator-0:8545', '0.0.0.0', [])).toBe(true);
  });

  test('health, content and unknown paths', async () => {
    const health = await (await fetch(`${chain.rpcUrl}/health`)).json();
    expect(health).toEqual({ status: 'ok', height: chain.application.head.height });
    const block = await fetch(`${chain.rpcUrl}/ipfs/bafkreiknown?format=raw`);
    expect(block.headers.get('content-type')).toBe('application/vnd.ipld.raw');
    expect(await block.text()).toBe('block');
    expect((await fetch(`${chain.rpcUrl}/ipfs/bafkreiother`)).status).toBe(404);
    expect((await fetch(`${chain.rpcUrl}/ipfs/..%2f..%2fetc`)).status).toBe(400);
    expect((await fetch(`${chain.rpcUrl}/elsewhere`)).status).toBe(404);
    expect((await fetch(chain.rpcUrl, { method: 'PUT' })).status).toBe(405);
  });

  test('web pages are kept out unless allowed', async () => {
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(415);
    const foreign = await fetch(`${chain.rpcUrl}/health`, { headers: { origin: 'https://a.example' } });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    const open = createRpcServer({
      application: chain.application,
      log: silentLog,
      port: 0,
      corsOrigins: ['https://a.example'],
    });
    await open.start();
    const allowed = await fetch(open.url, { method: 'OPTIONS', headers: { origin: 'https://a.example' } });
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://a.example');
    await open.stop();
    await open.stop();
  });

  test('a port in use is an error with a remedy', async () => {
    const port = Number(new URL(chain.rpcUrl).port);
    const second = createRpcServer({ application: chain.application, log: silentLog, port });
    await expect(second.start()).rejects.toMatchObject({ code: 'PORT_IN_USE', remedy: expect.any(String) });
  });
});
