/**
 * Reads a network with viem alone: blocks, a settled job, its events; sends a transfer and waits for it.
 *
 *   PRIVATE_KEY=0x… node docs/examples/read-with-viem.ts CHAIN_SPEC RPC_URL [JOB]
 */
import { readFileSync } from 'node:fs';
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  formatEther,
  type Hex,
  http,
  parseEther,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { jobManagerAbi } from '../../contracts/generated/index.ts';

const [specFile, rpcUrl, jobId = '1'] = process.argv.slice(2);
if (!specFile || !rpcUrl || !process.env.PRIVATE_KEY) {
  process.stderr.write('usage: PRIVATE_KEY=0x… node read-with-viem.ts CHAIN_SPEC RPC_URL [JOB]\n');
  process.exit(2);
}
const { chainId, name, contracts } = JSON.parse(readFileSync(specFile, 'utf8'));
const chain = defineChain({
  id: chainId,
  name,
  nativeCurrency: { name: 'TRAIN', symbol: 'TRAIN', decimals: 18 },
  rpcUrls: { default: { http: [rpcUrl] } },
});
const account = privateKeyToAccount(process.env.PRIVATE_KEY as Hex);
const client = createPublicClient({ chain, transport: http() });
const wallet = createWalletClient({ account, chain, transport: http() });

const block = await client.getBlock();
process.stdout.write(
  `block ${block.number}, ${block.transactions.length} transactions, hash ${block.hash}\n`,
);

const contract = { address: contracts.jobManager as Hex, abi: jobManagerAbi };
const receipt = await client.readContract({ ...contract, functionName: 'jobReceipt', args: [BigInt(jobId)] });
const { correct, total } = receipt.agreed;
process.stdout.write(
  `job ${jobId}: ${correct}/${total} correct, escrow ${formatEther(receipt.payouts.escrow)} TRAIN\n`,
);

const rounds = await client.getContractEvents({
  ...contract,
  eventName: 'RoundCommitted',
  args: { jobId: BigInt(jobId) },
  fromBlock: 0n,
});
for (const { args } of rounds) {
  process.stdout.write(
    `round ${args.round}: loss ${(Number(args.loss) / 65_536).toFixed(4)}, state ${args.stateRoot}\n`,
  );
}

const { maxFeePerGas } = await client.estimateFeesPerGas();
const hash = await wallet.sendTransaction({ to: account.address, value: parseEther('0.01'), maxFeePerGas });
const mined = await client.waitForTransactionReceipt({ hash, pollingInterval: 500 });
process.stdout.write(`transfer ${mined.status} in block ${mined.blockNumber}, gas ${mined.gasUsed}\n`);
process.exit(mined.status === 'success' ? 0 : 1);
