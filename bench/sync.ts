/** Catch-up of a new follower from one peer in another process, beside plain re-execution of the same blocks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Interface, Wallet } from 'ethers';
import {
  type Block,
  type ChainSpec,
  createApplication,
  createChainNode,
  decodeBlock,
  saveChainSpec,
} from '../chain/index.ts';
import {
  concatBytes,
  createLog,
  FedaiError,
  fromHex,
  type Hex,
  keccak256,
  sha256,
  toHex,
  uintBytes,
  utf8,
} from '../core/index.ts';
import type { BlockCommit } from '../light/index.ts';
import { testSpec } from '../test/chain/network-spec.ts';
import { decideOne, soloSecret } from '../test/support/soloChain.ts';
import type { Bench } from './main.ts';
import { tokenRuntime } from './peers/token.ts';

const BLOCKS = 300;
const SENDERS = 20;
/** Of these many in a block call a token, the others move money. */
const TOKEN_SENDERS = 6;
/** Sides alternate, and each keeps its best run, since machines are shared. */
const RUNS = 2;
const TOKEN: Hex = `0x${'70'.repeat(20)}`;
const LISTEN = ['/ip4/127.0.0.1/tcp/0'];
const transferAbi = new Interface(['function transfer(address,uint256) returns (bool)']);

interface Final {
  block: Uint8Array;
  commit: BlockCommit;
}

const wallets = Array.from(
  { length: SENDERS },
  (_, index) => new Wallet(toHex(sha256(concatBytes(utf8('sync bench wallet'), uintBytes(index, 4))))),
);
const balanceSlot = (account: string): Hex =>
  toHex(keccak256(concatBytes(uintBytes(BigInt(account), 32), new Uint8Array(32))));

function benchSpec(): ChainSpec {
  const addresses = wallets.map(({ address }) => address.toLowerCase() as Hex);
  const spec = testSpec([{ secretKey: soloSecret, address: `0x${'a1'.repeat(20)}` }], addresses);
  const storage = Object.fromEntries(
    addresses.map((address) => [balanceSlot(address), toHex(uintBytes(1_000_000n, 32))]),
  );
  const token = { balance: '0', code: toHex(tokenRuntime()), storage };
  return { ...spec, alloc: { ...spec.alloc, [TOKEN]: token } };
}

/** One transaction of each wallet to its neighbour. */
const signedBlock = (chainId: number, nonce: number): Promise<Uint8Array[]> =>
  Promise.all(
    wallets.map(async (wallet, index) => {
      const neighbour = wallets[(index + 1) % SENDERS]!.address;
      const data = transferAbi.encodeFunctionData('transfer', [neighbour, 5n]);
      const what =
        index < TOKEN_SENDERS
          ? { to: TOKEN, data, gasLimit: 100_000n }
          : { to: neighbour, value: 1n, gasLimit: 21_000n };
      const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n };
      return fromHex(await wallet.signTransaction({ type: 2, chainId, nonce, ...fees, ...what }));
    }),
  );

/** Leaves the chain in `directory` and answers its blocks. */
async function makeChain(spec: ChainSpec, directory: string): Promise<Final[]> {
  const application = await createApplication({ spec, directory });
  const made: Final[] = [];
  for (let nonce = 0; nonce < BLOCKS; nonce++) {
    for (const transaction of await signedBlock(spec.chainId, nonce)) await application.pool.add(transaction);
    const { block, commit } = await decideOne(application);
    if (block.transactions.length !== SENDERS)
      throw new FedaiError('INVARIANT', 'a block lacks transactions', { got: block.transactions.length });
    made.push({ block: application.store.encodedBlock(nonce + 1)!, commit });
  }
  await application.close();
  return made;
}

/** Decodes, executes and stores, with no peer and no signature of a vote. */
async function reexecuteSeconds(
  spec: ChainSpec,
  directory: string,
  chain: readonly Final[],
): Promise<number> {
  const application = await createApplication({ spec, directory });
  const started = performance.now();
  for (const { block, commit } of chain) {
    const decoded: Block = decodeBlock(block, application.common);
    await application.commitBlock(decoded, commit);
  }
  const seconds = (performance.now() - started) / 1000;
  await application.close();
  return seconds;
}

/** A node without a key that has the chain, in a process of its own. */
async function startSource(
  specPath: string,
  dataDir: string,
): Promise<{ child: ChildProcess; addresses: string[] }> {
  const script = join(import.meta.dirname, '../test/chain/node-process.ts');
  const input = { specPath, dataDir, peerByte: 1, secretKey: null, bootstrap: [] };
  const child = spawn(process.execPath, [script, JSON.stringify(input)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const { peerAddresses } = JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8'));
  return { child, addresses: peerAddresses };
}

/** From the first block on disk to the last: what finding the peer costs is not counted. */
async function catchUpSeconds(spec: ChainSpec, dataDir: string, bootstrap: string[]): Promise<number> {
  let firstMs = 0;
  let finish: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const log = createLog((line) => {
    const { message, height } = JSON.parse(line);
    if (message !== 'block') return;
    if (height === 1) firstMs = performance.now();
    if (height === BLOCKS) finish();
  }, 'debug');
  const node = await createChainNode({
    spec,
    dataDir,
    peerPrivateKey: new Uint8Array(32).fill(2),
    listen: LISTEN,
    bootstrap,
    rpc: { host: '127.0.0.1', port: 0 },
    log,
  });
  await finished;
  const seconds = (performance.now() - firstMs) / 1000;
  await node.stop();
  return seconds;
}

async function measure(directory: string, report: (line: string) => void) {
  const spec = benchSpec();
  const specPath = join(directory, 'chain.json');
  await saveChainSpec(specPath, spec);
  const chain = await makeChain(spec, join(directory, 'source', 'chain'));
  report(`${BLOCKS} blocks of ${SENDERS} transactions made`);
  const { child, addresses } = await startSource(specPath, join(directory, 'source'));
  let catchUp = Number.POSITIVE_INFINITY;
  let plain = Number.POSITIVE_INFINITY;
  try {
    for (let run = 0; run < RUNS; run++) {
      plain = Math.min(plain, await reexecuteSeconds(spec, join(directory, `plain ${run}`), chain));
      catchUp = Math.min(catchUp, await catchUpSeconds(spec, join(directory, `follower ${run}`), addresses));
      report(`catch-up ${catchUp.toFixed(2)} s, plain ${plain.toFixed(2)} s`);
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  return { catchUp, plain };
}

export const bench: Bench = async (report) => {
  const directory = await mkdtemp(join(tmpdir(), 'fedai-bench-sync-'));
  try {
    const { catchUp, plain } = await measure(directory, report);
    return {
      blocks: BLOCKS,
      transactionsPerBlock: SENDERS,
      catchUpBlocksPerSecond: (BLOCKS - 1) / catchUp,
      reexecutionBlocksPerSecond: BLOCKS / plain,
      ratioToReexecution: (BLOCKS - 1) / catchUp / (BLOCKS / plain),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
