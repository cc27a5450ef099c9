/** Block execution: 500 transfers and 500 token transfers a block, against stock ethereumjs in the same run. */

import { Account, createAddressFromString } from '@ethereumjs/util';
import { Interface, Wallet } from 'ethers';
import {
  type BlockEnvironment,
  createChainCommon,
  createExecution,
  EMPTY_ROOT,
  type Execution,
  memoryStateSource,
  OverlayState,
  StateDb,
} from '../chain/execution/index.ts';
import {
  concatBytes,
  equalBytes,
  FedaiError,
  fromHex,
  type Hex,
  keccak256,
  sha256,
  toHex,
  uintBytes,
  utf8,
} from '../core/index.ts';
import type { Bench, Figures } from './main.ts';
import { type Alloc, runStock, type StockOutcome } from './peers/stockEvm.ts';
import { tokenRuntime } from './peers/token.ts';

const TRANSACTIONS = 500;
/** Sides alternate, and each keeps its best run, since machines are shared. */
const RUNS = 3;
const CHAIN_ID = 31_337;
const TOKEN: Hex = `0x${'70'.repeat(20)}`;
const transferAbi = new Interface(['function transfer(address,uint256) returns (bool)']);

const environment: BlockEnvironment = {
  number: 1,
  parentHash: new Uint8Array(32),
  coinbase: `0x${'c0'.repeat(20)}`,
  timestamp: 1_750_000_000,
  mixHash: new Uint8Array(32),
  extraData: new Uint8Array(32),
  gasLimit: 60_000_000n,
  baseFeePerGas: 7n,
  work: null,
  verdict: null,
};

const wallets = Array.from(
  { length: TRANSACTIONS },
  (_, index) => new Wallet(toHex(sha256(concatBytes(utf8('bench wallet'), uintBytes(index, 4))))),
);

/** Slot of `balanceOf[account]` in the token (mapping at slot 0). */
const balanceSlot = (account: string): Hex =>
  toHex(keccak256(concatBytes(uintBytes(BigInt(account), 32), new Uint8Array(32))));

const alloc: Alloc = {
  ...Object.fromEntries(wallets.map(({ address }) => [address.toLowerCase(), { balance: 10n ** 18n }])),
  [TOKEN]: {
    balance: 0n,
    code: tokenRuntime(),
    storage: Object.fromEntries(
      wallets.map(({ address }) => [balanceSlot(address), toHex(uintBytes(1_000_000n, 32))]),
    ),
  },
};

/** One transaction of each wallet to its neighbour: half of the accounts are new to the block at any time. */
async function signedBlock(kind: 'transfer' | 'erc20'): Promise<Uint8Array[]> {
  return await Promise.all(
    wallets.map(async (wallet, index) => {
      const neighbour = wallets[(index + 1) % wallets.length]!.address;
      const what =
        kind === 'transfer'
          ? { to: neighbour, value: 1n, gasLimit: 21_000n }
          : {
              to: TOKEN,
              data: transferAbi.encodeFunctionData('transfer', [neighbour, 5n]),
              gasLimit: 100_000n,
            };
      const fees = { maxFeePerGas: 100n, maxPriorityFeePerGas: 1n };
      return fromHex(
        await wallet.signTransaction({ type: 2, chainId: CHAIN_ID, nonce: 0, ...fees, ...what }),
      );
    }),
  );
}

async function prepareOurs(): Promise<{ execution: Execution; root: Uint8Array }> {
  const source = memoryStateSource();
  const state = new StateDb(source);
  const overlay = new OverlayState(state, EMPTY_ROOT);
  for (const [name, entry] of Object.entries(alloc)) {
    const address = createAddressFromString(name);
    await overlay.putAccount(address, new Account(0n, entry.balance));
    if (entry.code !== undefined) await overlay.putCode(address, entry.code);
    for (const [slot, value] of Object.entries(entry.storage ?? {})) {
      await overlay.putStorage(address, fromHex(slot), fromHex(value));
    }
  }
  const { stateRoot, writes } = overlay.seal();
  source.add(writes);
  const execution = createExecution({
    common: createChainCommon(CHAIN_ID),
    state,
    system: { beaconHistory: null, usefulWork: null, court: null },
    blockHashes: () => new Uint8Array(32),
  });
  return { execution, root: stateRoot };
}

async function runOurs(transactions: readonly Uint8Array[]): Promise<StockOutcome> {
  const { execution, root } = await prepareOurs();
  const started = performance.now();
  const { header } = await execution.replay(environment, root, transactions);
  const milliseconds = performance.now() - started;
  return { stateRoot: header.stateRoot, gasUsed: header.gasUsed, milliseconds };
}

async function compare(kind: 'transfer' | 'erc20'): Promise<Figures> {
  const transactions = await signedBlock(kind);
  let ours = Number.POSITIVE_INFINITY;
  let stock = Number.POSITIVE_INFINITY;
  let gasUsed = 0n;
  for (let run = 0; run < RUNS; run++) {
    const mine = await runOurs(transactions);
    const theirs = await runStock(CHAIN_ID, alloc, environment, transactions);
    if (!equalBytes(mine.stateRoot, theirs.stateRoot) || mine.gasUsed !== theirs.gasUsed) {
      throw new FedaiError('INVARIANT', 'the two executions disagree', { kind });
    }
    ours = Math.min(ours, mine.milliseconds);
    stock = Math.min(stock, theirs.milliseconds);
    gasUsed = mine.gasUsed;
  }
  const megagas = Number(gasUsed) / 1e6;
  return {
    txPerSecond: (TRANSACTIONS * 1000) / ours,
    megagasPerSecond: (megagas * 1000) / ours,
    stockTxPerSecond: (TRANSACTIONS * 1000) / stock,
    ratioToStock: stock / ours,
  };
}

export const bench: Bench = async (report) => {
  const figures: Figures = {};
  for (const kind of ['transfer', 'erc20'] as const) {
    const measured = await compare(kind);
    figures[kind] = measured;
    report(
      `${kind}: ${Number(measured.txPerSecond).toFixed(0)} tx/s, stock ${Number(measured.stockTxPerSecond).toFixed(0)}`,
    );
  }
  return figures;
};
