/** ethereumjs as it comes (portable cryptography, its own state manager), executing the same block from the same state. */
import { createBlock } from '@ethereumjs/block';
import { createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common';
import { createMPT } from '@ethereumjs/mpt';
import { Caches, MerkleStateManager } from '@ethereumjs/statemanager';
import { createTxFromRLP } from '@ethereumjs/tx';
import { Account, createAddressFromString } from '@ethereumjs/util';
import { createVM, runTx } from '@ethereumjs/vm';
import { type BlockEnvironment, headerFields } from '../../chain/execution/index.ts';
import { fromHex, type Hex } from '../../core/index.ts';

export interface AllocEntry {
  readonly balance: bigint;
  readonly code?: Uint8Array;
  readonly storage?: Readonly<Record<Hex, Hex>>;
}
export type Alloc = Readonly<Record<Hex, AllocEntry>>;

export interface StockOutcome {
  readonly stateRoot: Uint8Array;
  readonly gasUsed: bigint;
  /** From raw bytes to the state root. */
  readonly milliseconds: number;
}

export async function runStock(
  chainId: number,
  alloc: Alloc,
  environment: BlockEnvironment,
  transactions: readonly Uint8Array[],
): Promise<StockOutcome> {
  const common = createCustomCommon({ chainId }, Mainnet, { hardfork: Hardfork.Prague });
  const trie = await createMPT({ useKeyHashing: true, common });
  const stateManager = new MerkleStateManager({ common, trie, caches: new Caches() });
  for (const [name, entry] of Object.entries(alloc)) {
    const address = createAddressFromString(name);
    await stateManager.putAccount(address, new Account(0n, entry.balance));
    if (entry.code !== undefined) await stateManager.putCode(address, entry.code);
    for (const [slot, value] of Object.entries(entry.storage ?? {})) {
      await stateManager.putStorage(address, fromHex(slot), fromHex(value));
    }
  }
  await stateManager.flush();
  const vm = await createVM({ common, stateManager });
  const block = createBlock({ header: headerFields(environment) }, { common });
  const started = performance.now();
  let gasUsed = 0n;
  for (const raw of transactions) {
    const tx = createTxFromRLP(raw, { common });
    const result = await runTx(vm, { tx, block, blockGasUsed: gasUsed, skipHardForkValidation: true });
    gasUsed += result.totalGasSpent;
  }
  const stateRoot = await stateManager.getStateRoot();
  return { stateRoot, gasUsed, milliseconds: performance.now() - started };
}
