import {
  type Contract,
  ContractFactory,
  encodeRlp,
  JsonRpcProvider,
  keccak256,
  parseEther,
  toBeHex,
  Wallet,
} from 'ethers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Compiled, compileToken } from '../../support/compile.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

let chain: SoloChain;
let provider: JsonRpcProvider;
let token: Compiled;
const wallet = (index: number) => new Wallet(chain.accounts[index]!.privateKey, provider);
const address = (index: number) => chain.accounts[index]!.address;

beforeAll(async () => {
  token = compileToken();
  chain = await startSoloChain();
  provider = new JsonRpcProvider(chain.rpcUrl, undefined, { pollingInterval: 50, cacheTimeout: -1 });
});

afterAll(async () => {
  provider.destroy();
  await chain.stop();
});

async function deployToken(): Promise<Contract> {
  const factory = new ContractFactory(token.abi, token.bytecode, wallet(1));
  const contract = await factory.deploy(1_000_000n);
  await contract.waitForDeployment();
  return contract as Contract;
}

describe('ethers', () => {
  test('reads the network and the genesis block', async () => {
    expect((await provider.getNetwork()).chainId).toBe(31_337n);
    expect(await provider.getBalance(address(3))).toBe(parseEther('1000000'));
    const genesis = await provider.getBlock(0);
    expect(genesis?.hash).toMatch(/^0x[0-9a-f]{64}$/);
    expect(await provider.getCode(chain.spec.contracts.staking)).not.toBe('0x');
    expect(await provider.getBlock(10_000)).toBeNull();
  });

  test('sends value: base fee burnt, tip to the proposer, exact balances', async () => {
    const before = await provider.getBalance(address(2));
    const tipsBefore = await provider.getBalance(address(0));
    const sent = await wallet(2).sendTransaction({ to: address(4), value: 12_345n });
    const receipt = (await sent.wait())!;
    expect(receipt.status).toBe(1);
    expect(receipt.gasUsed).toBe(21_000n);
    const fee = receipt.gasUsed * receipt.gasPrice;
    expect(await provider.getBalance(address(2))).toBe(before - 12_345n - fee);
    expect(await provider.getBalance(address(4))).toBe(parseEther('1000000') + 12_345n);
    const block = (await receipt.getBlock())!;
    const tips = receipt.gasUsed * (receipt.gasPrice - block.baseFeePerGas!);
    expect(await provider.getBalance(address(0))).toBe(tipsBefore + tips);
    const found = (await provider.getTransaction(sent.hash))!;
    expect(found.from.toLowerCase()).toBe(address(2));
    expect(found.blockNumber).toBe(receipt.blockNumber);
  });

  test('deploys, calls, writes, and reads old state', async () => {
    const contract = await deployToken();
    const height = await provider.getBlockNumber();
    await (await contract.transfer!(address(5), 400n)).wait();
    expect(await contract.balanceOf!(address(5))).toBe(400n);
    expect(await contract.balanceOf!(address(5), { blockTag: height })).toBe(0n);
    expect(await contract.hashOf!(height)).toBe((await provider.getBlock(height))!.hash);
    const head = await provider.getBlock('latest');
    expect(await contract.randao!()).toBe(BigInt(head!.prevRandao!));
  });

  test('finds logs by address, topic and range, and by polling', async () => {
    const contract = await deployToken();
    const from = await provider.getBlockNumber();
    const seen: bigint[] = [];
    await contract.on('Transfer', (_from, _to, value: bigint) => seen.push(value));
    for (const value of [1n, 2n, 3n]) await (await contract.transfer!(address(6), value)).wait();
    await (await contract.approve!(address(7), 9n)).wait();
    const logs = await contract.queryFilter(contract.filters.Transfer!(null, address(6)), from, 'latest');
    expect(logs.map((log) => BigInt(log.data))).toEqual([1n, 2n, 3n]);
    expect(await contract.queryFilter(contract.filters.Transfer!(address(6)), from)).toEqual([]);
    const all = await provider.getLogs({ address: await contract.getAddress(), fromBlock: from });
    // The transfer of the deployment, three more and the approval.
    expect(all.length).toBe(5);
    await expect.poll(() => seen, { timeout: 5000 }).toEqual([1n, 2n, 3n]);
    await contract.removeAllListeners();
  });

  test('reports reverts with their data', async () => {
    const contract = await deployToken();
    await expect(contract.alwaysReverts!()).rejects.toMatchObject({ reason: 'no reason to go on' });
    const poor = contract.connect(wallet(8)) as Contract;
    await expect(poor.transfer!.staticCall(address(1), 5n)).rejects.toMatchObject({
      revert: { name: 'InsufficientBalance', args: [wallet(8).address, 0n, 5n] },
    });
    // With a fixed gas limit nothing is estimated, so it is mined and fails.
    const sent = await poor.transfer!(address(1), 5n, { gasLimit: 100_000n });
    await expect(sent.wait()).rejects.toMatchObject({ code: 'CALL_EXCEPTION' });
  });

  test('refuses what cannot be mined, in words that ethers knows', async () => {
    const poor = Wallet.createRandom(provider);
    await expect(
      poor.sendTransaction({ to: address(1), value: 1n, gasLimit: 21_000n }),
    ).rejects.toMatchObject({ code: 'INSUFFICIENT_FUNDS' });
    await expect(
      wallet(2).sendTransaction({ to: address(1), nonce: 0, gasLimit: 21_000n }),
    ).rejects.toMatchObject({ code: 'NONCE_EXPIRED' });
  });

  test('estimates gas that suffices and is near what is used', async () => {
    const contract = await deployToken();
    const estimate = await contract.transfer!.estimateGas(address(9), 10n);
    const receipt = await (await contract.transfer!(address(9), 10n, { gasLimit: estimate })).wait();
    expect(receipt.status).toBe(1);
    expect(estimate).toBeGreaterThanOrEqual(receipt.gasUsed);
    expect(Number(estimate)).toBeLessThan(Number(receipt.gasUsed) * 1.1);
    expect(await provider.estimateGas({ from: address(1), to: address(2), value: 1n })).toBe(21_000n);
    const fees = await provider.getFeeData();
    expect(fees.maxFeePerGas).toBeGreaterThan(0n);
  });

  test('the block hash is that of the header as any tool builds it', async () => {
    await (await wallet(2).sendTransaction({ to: address(4), value: 1n })).wait();
    const block = await provider.send('eth_getBlockByNumber', ['latest', false]);
    const number = (hex: string) => (BigInt(hex) === 0n ? '0x' : toBeHex(BigInt(hex)));
    const fields = [
      block.parentHash,
      block.sha3Uncles,
      block.miner,
      block.stateRoot,
      block.transactionsRoot,
      block.receiptsRoot,
      block.logsBloom,
      number(block.difficulty),
      number(block.number),
      number(block.gasLimit),
      number(block.gasUsed),
      number(block.timestamp),
      block.extraData,
      block.mixHash,
      block.nonce,
      number(block.baseFeePerGas),
      block.withdrawalsRoot,
      number(block.blobGasUsed),
      number(block.excessBlobGas),
      block.parentBeaconBlockRoot,
      block.requestsHash,
    ];
    expect(keccak256(encodeRlp(fields))).toBe(block.hash);
  });
});
