import { getCreateAddress, Interface, JsonRpcProvider, Wallet } from 'ethers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom, utf8 } from '../../../core/index.ts';
import { compileToken } from '../../support/compile.ts';
import { type HardhatNode, startHardhatNode } from '../../support/hardhatNode.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

let chain: SoloChain;
let ours: JsonRpcProvider;
let edr: HardhatNode;
beforeAll(async () => {
  [chain, edr] = await Promise.all([startSoloChain({ mining: 'manual' }), startHardhatNode()]);
  ours = new JsonRpcProvider(chain.rpcUrl, undefined, { cacheTimeout: -1 });
}, 90_000);
afterAll(async () => {
  ours.destroy();
  await edr.stop();
  await chain.stop();
});

const TRANSACTIONS = 60;
const GWEI = 1_000_000_000n;
const SENDERS = [1, 2, 3, 4];

interface Outcome {
  status: string;
  gasUsed: string;
  effectiveGasPrice: string;
  contractAddress: string | null;
  logs: { address: string; topics: string[]; data: string }[];
}

/** Runs one raw transaction in a block of its own on both, in the same environment; returns both receipts. */
async function runOnBoth(raw: string): Promise<[Outcome, Outcome]> {
  const hash = await ours.send('eth_sendRawTransaction', [raw]);
  await chain.mine();
  const block = await ours.send('eth_getBlockByNumber', ['latest', false]);
  await edr.provider.send('hardhat_setNextBlockBaseFeePerGas', [block.baseFeePerGas]);
  await edr.provider.send('eth_sendRawTransaction', [raw]).catch(() => undefined);
  const mine = await ours.send('eth_getTransactionReceipt', [hash]);
  const theirs = await edr.provider.send('eth_getTransactionReceipt', [hash]);
  return [pick(mine), pick(theirs)];
}

const pick = (receipt: Outcome): Outcome => ({
  status: receipt.status,
  gasUsed: receipt.gasUsed,
  effectiveGasPrice: receipt.effectiveGasPrice,
  contractAddress: receipt.contractAddress?.toLowerCase() ?? null,
  logs: receipt.logs.map(({ address, topics, data }) => ({ address: address.toLowerCase(), topics, data })),
});

test('random transfers, token calls, reverts, refunds and deployments come out as in EDR, to the wei', async () => {
  const token = compileToken();
  const abi = new Interface(token.abi as never);
  const random = seededRandom(utf8('edr'));
  const proposer = chain.accounts[0]!.address;
  await edr.provider.send('hardhat_setCoinbase', [proposer]);
  for (const { address } of chain.accounts) {
    const balance = await ours.send('eth_getBalance', [address, 'latest']);
    await edr.provider.send('hardhat_setBalance', [address, balance]);
  }
  const nonces = new Map(SENDERS.map((sender) => [sender, 0]));
  const wallets = new Map(SENDERS.map((sender) => [sender, new Wallet(chain.accounts[sender]!.privateKey)]));
  const send = async (sender: number, what: { to?: string; data?: string; value?: bigint }) => {
    const nonce = nonces.get(sender)!;
    nonces.set(sender, nonce + 1);
    const type = random.pick([0, 1, 2]);
    const price =
      type === 2
        ? { maxFeePerGas: 20n * GWEI, maxPriorityFeePerGas: BigInt(random.below(3)) * GWEI }
        : { gasPrice: 15n * GWEI };
    const accessList =
      type === 1 && what.to ? [{ address: what.to, storageKeys: [`0x${'00'.repeat(32)}`] }] : [];
    const raw = await wallets.get(sender)!.signTransaction({
      type,
      chainId: 31_337,
      nonce,
      gasLimit: 2_000_000n,
      ...price,
      ...(type === 0 ? {} : { accessList }),
      ...what,
    });
    const [mine, theirs] = await runOnBoth(raw);
    expect(mine).toEqual(theirs);
    return mine;
  };
  const deployData = token.bytecode + abi.encodeDeploy([1_000_000n]).slice(2);
  await send(1, { data: deployData });
  const at = getCreateAddress({ from: chain.accounts[1]!.address, nonce: 0 });
  const anyone = () => chain.accounts[random.below(chain.accounts.length)]!.address;
  const amount = () => BigInt(random.below(200_000));
  const kinds: (() => { to?: string; data?: string; value?: bigint })[] = [
    () => ({ to: anyone(), value: amount() }),
    () => ({
      to: `0x${random
        .below(2 ** 40)
        .toString(16)
        .padStart(40, '0')}`,
      value: amount(),
    }),
    () => ({ to: at, data: abi.encodeFunctionData('transfer', [anyone(), amount()]) }),
    () => ({ to: at, data: abi.encodeFunctionData('approve', [anyone(), amount()]) }),
    () => ({ to: at, data: abi.encodeFunctionData('transferFrom', [anyone(), anyone(), amount()]) }),
    () => ({ to: at, data: abi.encodeFunctionData('burn', [amount()]) }),
    () => ({ to: at, data: abi.encodeFunctionData('alwaysReverts') }),
    () => ({ data: deployData }),
    () => ({ to: `0x${'00'.repeat(19)}04`, data: `0x${'ab'.repeat(random.below(300))}` }),
  ];
  const statuses = new Set<string>();
  for (let count = 0; count < TRANSACTIONS; count++) {
    statuses.add((await send(random.pick(SENDERS), random.pick(kinds)())).status);
  }
  expect([...statuses].sort()).toEqual(['0x0', '0x1']);
  for (const { address } of chain.accounts) {
    const read = (provider: JsonRpcProvider) => provider.send('eth_getBalance', [address, 'latest']);
    expect(await read(ours)).toBe(await read(edr.provider));
    const call = { to: at, data: abi.encodeFunctionData('balanceOf', [address]) };
    expect(await ours.call(call)).toBe(await edr.provider.call(call));
  }
}, 120_000);
