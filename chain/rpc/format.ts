/** Blocks, transactions, receipts and logs in the shapes of Ethereum's execution API. */
import type { TypedTransaction } from '@ethereumjs/tx';
import { type Hex, toHex } from '../../core/index.ts';
import { effectiveGasPrice, type Log, type Receipt } from '../execution/index.ts';
import type { Block } from '../types.ts';

export const quantity = (value: bigint | number): Hex => `0x${value.toString(16)}`;

export interface Place {
  readonly blockHash: Hex;
  readonly height: number;
  readonly index: number;
}

export function formatBlock(
  block: Block,
  transactions: readonly unknown[],
  size: number,
  proofs: { usefulWork: object | null; courtVerdict: object | null },
) {
  const { header } = block;
  return {
    number: quantity(header.number),
    hash: toHex(header.hash()),
    parentHash: toHex(header.parentHash),
    nonce: toHex(header.nonce),
    mixHash: toHex(header.mixHash),
    sha3Uncles: toHex(header.uncleHash),
    logsBloom: toHex(header.logsBloom),
    transactionsRoot: toHex(header.transactionsTrie),
    stateRoot: toHex(header.stateRoot),
    receiptsRoot: toHex(header.receiptTrie),
    miner: toHex(header.coinbase.bytes),
    difficulty: quantity(header.difficulty),
    totalDifficulty: '0x0',
    extraData: toHex(header.extraData),
    size: quantity(size),
    gasLimit: quantity(header.gasLimit),
    gasUsed: quantity(header.gasUsed),
    timestamp: quantity(header.timestamp),
    baseFeePerGas: quantity(header.baseFeePerGas!),
    withdrawalsRoot: toHex(header.withdrawalsRoot!),
    withdrawals: [],
    blobGasUsed: quantity(header.blobGasUsed!),
    excessBlobGas: quantity(header.excessBlobGas!),
    parentBeaconBlockRoot: toHex(header.parentBeaconBlockRoot!),
    requestsHash: toHex(header.requestsHash!),
    uncles: [],
    transactions,
    ...proofs,
  };
}

/** `place` and `baseFee` are undefined while the transaction waits in the pool. */
export function formatTransaction(tx: TypedTransaction, place?: Place, baseFee?: bigint) {
  const gasPrice = 'maxFeePerGas' in tx ? effectiveGasPrice(tx, baseFee ?? 0n) : tx.gasPrice;
  return {
    blockHash: place?.blockHash ?? null,
    blockNumber: place === undefined ? null : quantity(place.height),
    transactionIndex: place === undefined ? null : quantity(place.index),
    hash: toHex(tx.hash()),
    type: quantity(tx.type),
    from: toHex(tx.getSenderAddress().bytes),
    to: tx.to === undefined ? null : toHex(tx.to.bytes),
    nonce: quantity(tx.nonce),
    gas: quantity(tx.gasLimit),
    value: quantity(tx.value),
    input: toHex(tx.data),
    gasPrice: quantity(place === undefined && 'maxFeePerGas' in tx ? tx.maxFeePerGas : gasPrice),
    ...feeFields(tx),
    ...typedFields(tx),
    v: quantity(tx.v!),
    r: quantity(tx.r!),
    s: quantity(tx.s!),
  };
}

function feeFields(tx: TypedTransaction) {
  if (!('maxFeePerGas' in tx)) return {};
  return {
    maxFeePerGas: quantity(tx.maxFeePerGas),
    maxPriorityFeePerGas: quantity(tx.maxPriorityFeePerGas),
  };
}

function typedFields(tx: TypedTransaction) {
  if (!('accessList' in tx)) return tx.v! >= 35n ? { chainId: quantity(tx.common.chainId()) } : {};
  const accessList = tx.accessList.map(([address, slots]) => ({
    address: toHex(address),
    storageKeys: slots.map((slot) => toHex(slot)),
  }));
  const authorizationList =
    'authorizationList' in tx ? { authorizationList: tx.authorizationList.map(formatAuthorization) } : {};
  return { chainId: quantity(tx.chainId), yParity: quantity(tx.v!), accessList, ...authorizationList };
}

function formatAuthorization(fields: readonly Uint8Array[]) {
  const [chainId, address, nonce, yParity, r, s] = fields.map((bytes) => toHex(bytes));
  const number = (hex: Hex | undefined): Hex =>
    quantity(hex === undefined || hex === '0x' ? 0n : BigInt(hex));
  return {
    chainId: number(chainId),
    address,
    nonce: number(nonce),
    yParity: number(yParity),
    r: number(r),
    s: number(s),
  };
}

/** `firstLog`: how many logs precede this transaction's in the block. */
export function formatReceipt(
  receipt: Receipt,
  transactionHash: Hex,
  place: Place,
  firstLog: number,
  timestamp: bigint,
) {
  return {
    transactionHash,
    transactionIndex: quantity(place.index),
    blockHash: place.blockHash,
    blockNumber: quantity(place.height),
    from: toHex(receipt.from),
    to: receipt.to === null ? null : toHex(receipt.to),
    contractAddress: receipt.contractAddress === null ? null : toHex(receipt.contractAddress),
    gasUsed: quantity(receipt.gasUsed),
    cumulativeGasUsed: quantity(receipt.cumulativeGasUsed),
    effectiveGasPrice: quantity(receipt.effectiveGasPrice),
    status: receipt.succeeded ? '0x1' : '0x0',
    type: quantity(receipt.type),
    logsBloom: toHex(receipt.bloom),
    logs: receipt.logs.map((log, index) =>
      formatLog(log, transactionHash, place, firstLog + index, timestamp),
    ),
  };
}

export function formatLog(log: Log, transactionHash: Hex, place: Place, logIndex: number, timestamp: bigint) {
  return {
    address: toHex(log.address),
    topics: log.topics.map((topic) => toHex(topic)),
    data: toHex(log.data),
    blockHash: place.blockHash,
    blockNumber: quantity(place.height),
    blockTimestamp: quantity(timestamp),
    transactionHash,
    transactionIndex: quantity(place.index),
    logIndex: quantity(logIndex),
    removed: false,
  };
}

export type RpcLog = ReturnType<typeof formatLog>;
