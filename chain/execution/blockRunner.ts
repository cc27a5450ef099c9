/** Runs a block's system call and transactions on one machine, and makes the header that commits to the outcome. */
import { type Block, type BlockHeader, createBlock, createBlockHeader } from '@ethereumjs/block';
import type { Common } from '@ethereumjs/common';
import { createTxFromRLP, isBlob4844Tx, type TypedTransaction } from '@ethereumjs/tx';
import { type RunTxResult, runTx } from '@ethereumjs/vm';
import { FedaiError, isHostFault } from '../../core/index.ts';
import type { Machine } from './evmPool.ts';
import { bloomOf, encodeConsensusReceipt, listRoot, unionBloom } from './receipts.ts';
import { callSystem, type SystemContracts } from './systemCalls.ts';
import type { BlockEnvironment, ExecutedBlock, Receipt } from './types.ts';

/** Errors of our own database must stop the node, never condemn a block. */
const isFault = (error: unknown): boolean =>
  isHostFault(error) ||
  (error instanceof FedaiError && (error.code.startsWith('STATE_') || error.code === 'INVARIANT'));

/** Decodes one transaction of the kinds that this chain has; throws `BAD_TRANSACTION`. */
export function decodeTransaction(raw: Uint8Array, common: Common): TypedTransaction {
  let decoded: TypedTransaction;
  try {
    decoded = createTxFromRLP(raw, { common });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.slice(0, 200) : '';
    throw new FedaiError('BAD_TRANSACTION', `not a transaction: ${why}`, {}, { cause });
  }
  if (isBlob4844Tx(decoded)) {
    throw new FedaiError(
      'BAD_TRANSACTION',
      'transaction type not supported',
      { got: decoded.type },
      {
        remedy: 'this chain has no blobs; send a transaction of type 0, 1, 2 or 4',
      },
    );
  }
  return decoded;
}

export interface RunOptions {
  readonly common: Common;
  readonly system: SystemContracts;
  /** Throw on the first transaction that is not valid instead of leaving it out. */
  readonly strict: boolean;
}

export async function runBlock(
  machine: Machine,
  environment: BlockEnvironment,
  transactions: Iterable<TypedTransaction>,
  options: RunOptions,
): Promise<ExecutedBlock> {
  const fields = headerFields(environment);
  const block = createBlock({ header: fields }, { common: options.common });
  await callSystem(machine, block, environment, options.system);
  const included: TypedTransaction[] = [];
  const receipts: Receipt[] = [];
  let gasUsed = 0n;
  for (const tx of transactions) {
    const receipt = await runOne(machine, block, tx, gasUsed, options.strict);
    if (receipt === undefined) continue;
    gasUsed = receipt.cumulativeGasUsed;
    included.push(tx);
    receipts.push(receipt);
  }
  const { stateRoot, writes } = machine.state.seal();
  const header: BlockHeader = createBlockHeader(
    {
      ...fields,
      stateRoot,
      gasUsed,
      transactionsTrie: listRoot(included.map((tx) => tx.serialize())),
      receiptTrie: listRoot(receipts.map(encodeConsensusReceipt)),
      logsBloom: unionBloom(receipts.map((receipt) => receipt.bloom)),
    },
    { common: options.common },
  );
  return { header, transactions: included, receipts, writes };
}

/** Header fields that are known before execution; the rest of Prague's are at their empty values. */
export function headerFields(environment: BlockEnvironment) {
  return {
    number: environment.number,
    parentHash: environment.parentHash,
    coinbase: environment.coinbase,
    timestamp: environment.timestamp,
    mixHash: environment.mixHash,
    extraData: environment.extraData,
    gasLimit: environment.gasLimit,
    baseFeePerGas: environment.baseFeePerGas,
  };
}

/** undefined: the transaction is not valid here, and nothing of it remains. */
async function runOne(
  machine: Machine,
  block: Block,
  tx: TypedTransaction,
  gasUsedBefore: bigint,
  strict: boolean,
): Promise<Receipt | undefined> {
  if (gasUsedBefore + tx.gasLimit > block.header.gasLimit) {
    if (strict) throw new FedaiError('INVALID_BLOCK', 'transactions exceed the gas limit of the block');
    return undefined;
  }
  let result: RunTxResult;
  try {
    result = await runTx(machine.vm, {
      tx,
      block,
      blockGasUsed: gasUsedBefore,
      skipHardForkValidation: true,
    });
  } catch (cause) {
    if (isFault(cause)) throw cause;
    if (!strict && machine.state.isSettled) return undefined;
    if (!strict)
      throw new FedaiError('TX_UNRUNNABLE', 'a transaction broke out of the EVM', { tx }, { cause });
    const why = cause instanceof Error ? cause.message.slice(0, 200) : '';
    throw new FedaiError('INVALID_BLOCK', `invalid transaction: ${why}`, {}, { cause });
  }
  return receiptOf(tx, result, gasUsedBefore, block.header.baseFeePerGas!);
}

function receiptOf(tx: TypedTransaction, result: RunTxResult, gasBefore: bigint, baseFee: bigint): Receipt {
  const succeeded = result.execResult.exceptionError === undefined;
  const logs = (result.execResult.logs ?? []).map(([address, topics, data]) => ({ address, topics, data }));
  return {
    type: tx.type,
    succeeded,
    from: tx.getSenderAddress().bytes,
    to: tx.to?.bytes ?? null,
    contractAddress: tx.to === undefined ? (result.createdAddress?.bytes ?? null) : null,
    gasUsed: result.totalGasSpent,
    cumulativeGasUsed: gasBefore + result.totalGasSpent,
    effectiveGasPrice: effectiveGasPrice(tx, baseFee),
    bloom: bloomOf(logs),
    logs,
  };
}

export function effectiveGasPrice(tx: TypedTransaction, baseFee: bigint): bigint {
  if (!('maxFeePerGas' in tx)) return tx.gasPrice;
  const room = tx.maxFeePerGas - baseFee;
  if (room < tx.maxPriorityFeePerGas) return tx.maxFeePerGas;
  return baseFee + tx.maxPriorityFeePerGas;
}
