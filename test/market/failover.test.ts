import { expect, test } from 'vitest';
import { FedaiError } from '../../core/index.ts';
import { failover } from '../../market/failover.ts';
import { httpTransport, type RpcTransport } from '../../market/transport.ts';
import { startSoloChain } from '../support/soloChain.ts';

/** Counts its calls; answers with its name unless told to be away or to refuse. */
function endpoint(name: string) {
  const state = { calls: 0, fault: undefined as string | undefined };
  const transport: RpcTransport = {
    async request() {
      state.calls++;
      if (state.fault) throw new FedaiError(state.fault, name, {}, { transient: true });
      return name;
    },
  };
  return { state, transport };
}

test('the next takes over from one that is away and stays; an error is an answer', async () => {
  const [a, b] = [endpoint('a'), endpoint('b')];
  const both = failover([a.transport, b.transport]);
  expect(await both.request('x', [])).toBe('a');
  a.state.fault = 'RPC_UNAVAILABLE';
  expect(await both.request('x', [])).toBe('b');
  expect(await both.request('x', [])).toBe('b');
  expect(a.state.calls).toBe(2);
  b.state.fault = 'RPC_ERROR';
  await expect(both.request('x', [])).rejects.toMatchObject({ code: 'RPC_ERROR' });
  expect(a.state.calls).toBe(2);
  b.state.fault = 'RPC_UNAVAILABLE';
  await expect(both.request('x', [])).rejects.toMatchObject({ code: 'RPC_UNAVAILABLE' });
  expect(a.state.calls).toBe(3);
  a.state.fault = undefined;
  expect(await both.request('x', [])).toBe('a');
});

test('a chain node that stops is stood in for', async () => {
  const [first, second] = await Promise.all([startSoloChain(), startSoloChain()]);
  const both = failover([httpTransport(first.rpcUrl), httpTransport(second.rpcUrl)]);
  expect(await both.request('eth_blockNumber', [])).toBe('0x0');
  await second.mine(3);
  await first.stop();
  expect(await both.request('eth_blockNumber', [])).toBe('0x3');
  await second.stop();
});
