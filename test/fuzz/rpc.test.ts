/** The RPC port fed hostile calls: each is answered, by a result or by an error that names the caller's mistake. */
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { utf8 } from '../../core/index.ts';
import { type SoloChain, startSoloChain } from '../support/soloChain.ts';
import { damage, random } from './mutate.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const BATCHES = Number(process.env.FUZZ_BATCHES ?? 60);
const BATCH = 100;
/** What docs and EIP-1474 let a caller see; -32603, a fault of the node's own, is not among them. */
const CODES = new Set([3, -32700, -32600, -32601, -32602, -32000, -32005]);
const METHODS = [
  ...new Set(
    readFileSync(join(import.meta.dirname, '..', '..', 'docs/rpc.md'), 'utf8').match(
      /\b(?:eth|net|web3|txpool|fedai)_[a-zA-Z0-9]+/g,
    ),
  ),
];

let chain: SoloChain;
beforeAll(async () => {
  chain = await startSoloChain({ mining: 'manual' });
  await chain.mine(3);
});
afterAll(() => chain.stop());

interface Reply {
  status: number;
  text: string;
}

/** Rejects when the connection is dropped without an answer. */
function post(body: string | Uint8Array): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = httpRequest(chain.rpcUrl, { method: 'POST', headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode!, text: Buffer.concat(parts).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Throws unless it is a JSON-RPC response whose error, if it has one, is the caller's to mend. */
function checkOne(response: unknown, about: string): void {
  expect(response, about).toMatchObject({ jsonrpc: '2.0' });
  const { id, error, ...rest } = response as Record<string, unknown>;
  expect(id === null || typeof id === 'string' || typeof id === 'number', about).toBe(true);
  expect('result' in rest, about).toBe(error === undefined);
  if (error === undefined) return;
  const { code, message } = error as Record<string, unknown>;
  expect(CODES.has(code as number), `${about} → ${JSON.stringify(error)}`).toBe(true);
  expect(typeof message, about).toBe('string');
}

function checkText(text: string, about: string): void {
  const parsed: unknown = JSON.parse(text);
  for (const one of Array.isArray(parsed) ? parsed : [parsed]) checkOne(one, about);
}

async function stillAnswers(): Promise<void> {
  const { text } = await post('{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}');
  expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: 1, result: '0x3' });
}

const hexOf = (maxBytes: number) =>
  fc.uint8Array({ maxLength: maxBytes }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`);
const bytesOf = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => `0x${Buffer.from(b).toString('hex')}`);
const address = fc.oneof(
  bytesOf(20),
  // Nobody, and the precompiles.
  fc.integer({ min: 0, max: 20 }).map((n) => `0x${n.toString(16).padStart(40, '0')}`),
);
const quantity = fc.oneof(
  fc.constantFrom('0x0', '0x1', '0x2', '0x3', '0x4', '0x', '0x00', '0xffffffffffffffff', '0x20000000000000'),
  fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map((n) => `0x${n.toString(16)}`),
  fc.constantFrom(`0x${'f'.repeat(64)}`, `0x${'f'.repeat(65)}`, '-0x1', '1'),
);
const tag = fc.oneof(
  fc.constantFrom('latest', 'pending', 'safe', 'finalized', 'earliest', 'Latest', ''),
  quantity,
  fc.record(
    { blockNumber: quantity, blockHash: bytesOf(32), requireCanonical: fc.boolean() },
    { requiredKeys: [] },
  ),
);
const accessList = fc.array(
  fc.record({ address, storageKeys: fc.array(bytesOf(32), { maxLength: 4 }) }, { requiredKeys: [] }),
  { maxLength: 20 },
);
const call = fc.record(
  {
    from: address,
    to: fc.option(address),
    gas: quantity,
    gasPrice: quantity,
    maxFeePerGas: quantity,
    maxPriorityFeePerGas: quantity,
    value: quantity,
    data: hexOf(200),
    input: hexOf(200),
    accessList,
    nonce: quantity,
    type: quantity,
  },
  { requiredKeys: [] },
);
const filter = fc.record(
  {
    fromBlock: tag,
    toBlock: tag,
    blockHash: bytesOf(32),
    address: fc.oneof(address, fc.array(address, { maxLength: 30 })),
    topics: fc.array(fc.oneof(fc.constant(null), bytesOf(32), fc.array(bytesOf(32), { maxLength: 9 })), {
      maxLength: 9,
    }),
  },
  { requiredKeys: [] },
);
const odd = fc.oneof(
  fc.constantFrom(null, true, '', '0x', '0xabc', '0xzz', '__proto__', 'newHeads', 'logs', 1e308, -1, 0.5),
  fc.constantFrom<unknown>([], {}, [[[[[]]]]], { __proto__: null }, { constructor: { prototype: 1 } }),
  fc.constant(`0x${'1'.repeat(9)}`),
  fc.jsonValue(),
);
const param = fc.oneof(tag, address, bytesOf(32), quantity, call, filter, hexOf(300), odd, fc.boolean());
/** What each method expects, so that the fuzz gets behind its first check. */
const SHAPES: Record<string, fc.Arbitrary<unknown[]>> = {
  eth_call: fc.tuple(call, tag),
  eth_estimateGas: fc.tuple(call, tag),
  eth_getLogs: fc.tuple(filter),
  eth_newFilter: fc.tuple(filter),
  eth_getProof: fc.tuple(address, fc.array(fc.oneof(quantity, bytesOf(32)), { maxLength: 9 }), tag),
  eth_getStorageAt: fc.tuple(address, quantity, tag),
  eth_getBalance: fc.tuple(address, tag),
  eth_getCode: fc.tuple(address, tag),
  eth_getTransactionCount: fc.tuple(address, tag),
  eth_feeHistory: fc.tuple(
    fc.oneof(quantity, fc.double(), fc.integer()),
    tag,
    fc.oneof(fc.array(fc.double({ min: 0, max: 100, noNaN: true }).map(Math.round)), odd),
  ),
  eth_getBlockByNumber: fc.tuple(tag, fc.boolean()),
  eth_getTransactionByBlockNumberAndIndex: fc.tuple(tag, quantity),
  fedai_getCommit: fc.tuple(fc.oneof(tag, fc.double(), fc.integer())),
  fedai_getValidators: fc.tuple(fc.oneof(tag, fc.double(), fc.integer())),
  eth_subscribe: fc.tuple(fc.constantFrom('newHeads', 'logs', 'syncing', 'x'), fc.oneof(filter, odd)),
};
const anyParams = fc.array(param, { maxLength: 5 });
const anyCall = fc
  .record({
    id: fc.oneof(fc.integer(), fc.string()),
    method: fc.constantFrom(...METHODS),
    typed: fc.integer({ min: 0, max: 2 }),
  })
  .chain(({ id, method, typed }) => {
    const params = typed === 0 ? anyParams : (SHAPES[method] ?? anyParams);
    return params.map((values) => ({ jsonrpc: '2.0', id, method, params: values }));
  });

describe('JSON-RPC', () => {
  test('every method answers whatever it is given, over HTTP and WebSocket', async () => {
    const calls = fc.sample(anyCall, { seed: SEED, numRuns: BATCHES * BATCH });
    const socket = new WebSocket(chain.rpcUrl.replace('http', 'ws'));
    await new Promise((resolve) => socket.once('open', resolve));
    for (let batch = 0; batch < BATCHES; batch++) {
      const part = calls.slice(batch * BATCH, (batch + 1) * BATCH);
      const body = JSON.stringify(part);
      const text = batch % 4 === 0 ? await askSocket(socket, body) : (await post(body)).text;
      const answers = JSON.parse(text) as unknown[];
      expect(answers.length).toBe(part.length);
      for (const [index, one] of answers.entries())
        checkOne(one, `FUZZ_SEED=${SEED} ${JSON.stringify(part[index])}`);
    }
    socket.close();
    await stillAnswers();
  });

  test('damaged and odd bodies are answered', async () => {
    const next = random(SEED);
    const sample = utf8(
      JSON.stringify([
        { jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params: [`0x${'11'.repeat(20)}`, 'latest'] },
        { jsonrpc: '2.0', id: 'x', method: 'eth_call', params: [{ to: `0x${'22'.repeat(20)}` }, '0x1'] },
      ]),
    );
    const bodies: (string | Uint8Array)[] = [
      ...ODD_BODIES,
      ...Array.from({ length: 300 }, () => damage(sample, next)),
    ];
    for (const [index, body] of bodies.entries()) {
      const about = `FUZZ_SEED=${SEED} body ${index}`;
      const { status, text } = await post(body);
      expect([200, 204], about).toContain(status);
      if (status === 200) checkText(text, about);
      else expect(text, about).toBe('');
    }
    await stillAnswers();
  });

  test('absurd calls cost no more than a block', async () => {
    const max = `0x${'f'.repeat(64)}`;
    const to = chain.spec.contracts.staking;
    // JUMPDEST PUSH0 JUMP: runs until its gas is gone; and one that wants all memory.
    const endless = '0x5b5f56';
    const hungry = `0x${'7f'}${'ff'.repeat(32)}51`;
    const absurd = [
      { gas: max, data: endless },
      { gas: max, data: hungry },
      { to, value: max, gas: max, gasPrice: max, data: `0x${'ff'.repeat(100_000)}` },
      { data: `0x${'60'.repeat(60_000)}` },
      { from: to, to: `0x${'0'.repeat(39)}5`, data: `0x${'ff'.repeat(96)}`, gas: max },
    ];
    for (const one of absurd) {
      // One of the two is enough for what runs until its gas is gone: that takes seconds.
      for (const method of one.data === endless ? ['eth_call'] : ['eth_call', 'eth_estimateGas']) {
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [one] });
        checkText((await post(body)).text, body.slice(0, 200));
      }
    }
    await stillAnswers();
  });
});

const DEEP = 200_000;
const ODD_BODIES: (string | Uint8Array)[] = [
  '',
  ' ',
  '\u0000',
  'NaN',
  '"eth_chainId"',
  '[[]]',
  '[[[{"id":1,"method":"eth_chainId"}]]]',
  '[null,1,"x",true,{},{"id":{}},{"id":1,"method":null}]',
  '['.repeat(DEEP),
  '['.repeat(DEEP) + ']'.repeat(DEEP),
  `{"id":1,"method":"eth_getBalance","params":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`,
  `{"id":1,"method":"eth_call","params":[${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}]}`,
  `{"id":1,"method":"eth_getLogs","params":[{"topics":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}]}`,
  `{"id":1,"method":"eth_uninstallFilter","params":[${'['.repeat(DEEP)}${']'.repeat(DEEP)}]}`,
  '{"id":1,"method":"eth_getFilterChanges","params":[{"toString":1}]}',
  '{"id":1,"method":"eth_uninstallFilter","params":[{"toString":null,"valueOf":null}]}',
  '{"id":1e999,"method":"eth_chainId"}',
  '{"id":1,"id":2,"method":"nope","method":"eth_chainId","params":1,"params":[]}',
  '{"__proto__":{"method":"eth_chainId"},"id":1}',
  '{"id":1,"method":"constructor"}',
  '{"id":1,"method":"__proto__"}',
  '{"id":1,"method":"eth_chainId","params":{"length":1e9}}',
  `{"id":1,"method":"${'x'.repeat(1_000_000)}"}`,
  `{"id":1,"method":"web3_sha3","params":["0x${'ab'.repeat(2_000_000)}"]}`,
  `{"id":1,"method":"eth_getBalance","params":["0x${'1'.repeat(4_000_000)}"]}`,
  `{"id":1,"method":"eth_getBlockByNumber","params":["0x${'1'.repeat(4_000_000)}"]}`,
  `{"id":1,"method":"eth_feeHistory","params":[${'9'.repeat(400)}]}`,
  '{"id":1,"method":"eth_getLogs","params":[{"fromBlock":"0x0","toBlock":"0xffffffffffff"}]}',
  `{"id":1,"method":"eth_getLogs","params":[{"address":[${Array(50_000)
    .fill(`"0x${'33'.repeat(20)}"`)
    .join()}]}]}`,
  Uint8Array.of(0xff, 0xfe, 0x7b, 0x00),
  Uint8Array.of(0x22, 0xc3, 0x28, 0x22),
  Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
];

function askSocket(socket: WebSocket, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const onMessage = (data: Buffer) => {
      const text = data.toString();
      // A notification of a subscription that an earlier call made.
      if (text.startsWith('{') && text.includes('eth_subscription')) return;
      settle();
      resolve(text);
    };
    const onClose = () => {
      settle();
      reject(new RangeError('the WebSocket was closed'));
    };
    const settle = () => {
      socket.off('message', onMessage);
      socket.off('close', onClose);
    };
    socket.on('message', onMessage);
    socket.on('close', onClose);
    socket.send(body);
  });
}

test('odd request lines get an HTTP answer', async () => {
  const { host, port } = new URL(chain.rpcUrl);
  for (const target of [
    '//',
    '///',
    '/%',
    '/\\',
    '*',
    'http://',
    'http://[',
    '/ipfs/',
    '/ipfs/%00',
    '/ipfs/..',
  ]) {
    const line = `GET ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
    expect(await exchange(Number(port), line), target).toMatch(/^HTTP\/1.1 4/);
  }
  await stillAnswers();
});

/** Sends raw bytes; answers what comes back until the other side closes. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (part) => {
      text += part.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}
