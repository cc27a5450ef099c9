import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromHex, type Hex, silentLog, systemClock } from '../../core/index.ts';
import { raiseFees } from '../../market/fees.ts';
import { createSender } from '../../market/sender.ts';
import { httpTransport, type RpcTransport } from '../../market/transport.ts';
import { type SoloChain, startSoloChain } from '../support/soloChain.ts';

let chain: SoloChain;
beforeAll(async () => {
  chain = await startSoloChain({ mining: 100 });
});
afterAll(() => chain.stop());

test('raised fees are what is suggested, but at least an eighth more, and never the same', () => {
  const suggested = { maxFeePerGas: 50n, maxPriorityFeePerGas: 1n };
  expect(raiseFees({ maxFeePerGas: 80n, maxPriorityFeePerGas: 0n }, suggested)).toEqual({
    maxFeePerGas: 90n,
    maxPriorityFeePerGas: 1n,
  });
  expect(raiseFees({ maxFeePerGas: 10n, maxPriorityFeePerGas: 9n }, suggested)).toEqual({
    maxFeePerGas: 50n,
    maxPriorityFeePerGas: 11n,
  });
  expect(
    raiseFees({ maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }, { ...suggested, maxFeePerGas: 0n }),
  ).toEqual({
    maxFeePerGas: 1n,
    maxPriorityFeePerGas: 1n,
  });
});

/** The endpoint with next to no fees in its first `count` suggestions, as if they rose after them. */
function cheapAtFirst(transport: RpcTransport, count: number): RpcTransport {
  let suggestions = 0;
  return {
    async request(method, params, signal) {
      const result = await transport.request(method, params, signal);
      if (method === 'eth_maxPriorityFeePerGas' && suggestions <= count) return '0x1';
      const cheap = method === 'eth_getBlockByNumber' && suggestions++ < count;
      return cheap ? { ...(result as object), baseFeePerGas: '0x0' } : result;
    },
  };
}

test('a transaction that blocks pass by is replaced by one that pays, and only one of them is mined', async () => {
  const [from, to] = chain.accounts as [(typeof chain.accounts)[0], (typeof chain.accounts)[0]];
  const transport = httpTransport(chain.rpcUrl);
  const sender = createSender({
    transport: cheapAtFirst(transport, 1),
    privateKey: fromHex(from.privateKey),
    log: silentLog,
    clock: systemClock,
    pollMs: 100,
  });
  const balance = async (of: Hex) =>
    BigInt((await transport.request('eth_getBalance', [of, 'latest'])) as string);
  const sent: string[] = [];
  chain.application.pool.onAdded(({ hash }) => sent.push(hash));
  const before = await balance(to.address);
  const request = { call: 'transfer', to: to.address, data: '0x' as Hex, value: 7n };
  const mined = await Promise.all([sender.send(request), sender.send(request)]);
  expect(new Set(mined.map(({ hash }) => hash)).size).toBe(2);
  expect(sent.length).toBeGreaterThan(2);
  expect(mined[0]!.hash).not.toBe(sent[0]);
  expect((await balance(to.address)) - before).toBe(14n);
  expect(await transport.request('eth_getTransactionCount', [from.address, 'latest'])).toBe('0x2');
}, 120_000);
