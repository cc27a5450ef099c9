import {
  type Abi,
  createPublicClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
  parseEventLogs,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileToken } from '../../support/compile.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

let chain: SoloChain;
beforeAll(async () => {
  chain = await startSoloChain();
});
afterAll(() => chain.stop());

function clients() {
  const definition = defineChain({
    id: chain.spec.chainId,
    name: 'fedai',
    nativeCurrency: { name: 'TRAIN', symbol: 'TRAIN', decimals: 18 },
    rpcUrls: { default: { http: [chain.rpcUrl] } },
  });
  const transport = http(chain.rpcUrl);
  const account = privateKeyToAccount(chain.accounts[1]!.privateKey);
  return {
    reader: createPublicClient({ chain: definition, transport, pollingInterval: 50 }),
    writer: createWalletClient({ chain: definition, transport, account }),
  };
}

test('viem deploys, writes, reads, simulates, watches and proves', async () => {
  const { reader, writer } = clients();
  const compiled = compileToken();
  const abi = compiled.abi as Abi;
  const deployment = await writer.deployContract({ abi, bytecode: compiled.bytecode, args: [1000n] });
  const { contractAddress } = await reader.waitForTransactionReceipt({ hash: deployment });
  const address = contractAddress as Hex;
  const to = chain.accounts[2]!.address;

  const { request } = await reader.simulateContract({
    address,
    abi,
    functionName: 'transfer',
    args: [to, 7n],
    account: writer.account,
  });
  const receipt = await reader.waitForTransactionReceipt({ hash: await writer.writeContract(request) });
  expect(receipt.status).toBe('success');
  expect(parseEventLogs({ abi, logs: receipt.logs })).toMatchObject([
    { eventName: 'Transfer', args: { value: 7n } },
  ]);
  expect(await reader.readContract({ address, abi, functionName: 'balanceOf', args: [to] })).toBe(7n);

  await expect(
    reader.simulateContract({
      address,
      abi,
      functionName: 'transfer',
      args: [to, 5000n],
      account: writer.account,
    }),
  ).rejects.toThrow(/InsufficientBalance/);

  const filter = await reader.createContractEventFilter({ abi, address, eventName: 'Transfer' });
  const hash = await writer.writeContract({ address, abi, functionName: 'transfer', args: [to, 8n] });
  await reader.waitForTransactionReceipt({ hash });
  const changes = await reader.getFilterChanges({ filter });
  expect(changes.map((log) => (log as unknown as { args: { value: bigint } }).args.value)).toEqual([8n]);
  expect(await reader.getFilterChanges({ filter })).toEqual([]);
  expect(await reader.uninstallFilter({ filter })).toBe(true);

  const history = await reader.getFeeHistory({ blockCount: 3, rewardPercentiles: [25, 75] });
  expect(history.baseFeePerGas.length).toBe(4);
  expect(history.reward?.length).toBe(3);
  const fees = await reader.estimateFeesPerGas();
  expect(fees.maxFeePerGas).toBeGreaterThan(0n);

  const block = await reader.getBlock({ includeTransactions: true });
  expect(block.transactions[0]).toMatchObject({
    hash,
    from: writer.account.address.toLowerCase(),
    type: 'eip1559',
  });
  const proof = await reader.getProof({ address, storageKeys: [`0x${'00'.repeat(32)}`] });
  expect(proof.accountProof.length).toBeGreaterThan(0);
});
