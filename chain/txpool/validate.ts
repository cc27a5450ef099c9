/** Whether a transaction may wait in the pool. Messages follow geth's, since wallets and libraries look for them. */
import type { Common } from '@ethereumjs/common';
import { getCalldataFloorGas } from '@ethereumjs/tx';
import { FedaiError, type Hex, toHex } from '../../core/index.ts';
import { decodeTransaction } from '../execution/index.ts';
import type { PooledTransaction, PoolLimits, SenderState } from './types.ts';

/** Throws `TX_TOO_LARGE`, `BAD_TRANSACTION`, `TX_UNPROTECTED`, `TX_BAD_SIGNATURE`. */
export function readTransaction(raw: Uint8Array, common: Common, limits: PoolLimits): PooledTransaction {
  if (raw.length > limits.transactionBytes) {
    throw new FedaiError('TX_TOO_LARGE', 'oversized data', {
      got: raw.length,
      expected: limits.transactionBytes,
    });
  }
  const tx = decodeTransaction(raw, common);
  if (!tx.isSigned()) throw new FedaiError('TX_BAD_SIGNATURE', 'transaction is not signed');
  // Type 0 without EIP-155 could be replayed from another chain.
  if (tx.type === 0 && tx.v !== undefined && tx.v < 35n) {
    throw new FedaiError('TX_UNPROTECTED', 'only replay-protected (EIP-155) transactions allowed over RPC');
  }
  let sender: Hex;
  try {
    sender = toHex(tx.getSenderAddress().bytes);
  } catch (cause) {
    throw new FedaiError('TX_BAD_SIGNATURE', 'invalid sender', {}, { cause });
  }
  return { tx, raw: tx.serialize(), hash: toHex(tx.hash()), sender };
}

export interface Rules {
  readonly blockGasLimit: bigint;
  readonly limits: PoolLimits;
}

/** Checks against the sender's account at the head; `pending` is what the sender's other waiting ones may cost. */
export function checkAdmission(
  { tx, sender }: PooledTransaction,
  state: SenderState,
  pending: bigint,
  rules: Rules,
): void {
  if (tx.gasLimit > rules.blockGasLimit) {
    throw new FedaiError('TX_GAS_LIMIT', 'exceeds block gas limit', {
      got: tx.gasLimit,
      expected: rules.blockGasLimit,
    });
  }
  for (const least of [tx.getIntrinsicGas(), getCalldataFloorGas(tx, tx.getSenderAddress())]) {
    if (tx.gasLimit >= least) continue;
    throw new FedaiError('TX_INTRINSIC_GAS', 'intrinsic gas too low', { got: tx.gasLimit, expected: least });
  }
  if ('maxFeePerGas' in tx && tx.maxPriorityFeePerGas > tx.maxFeePerGas) {
    throw new FedaiError('TX_TIP_ABOVE_FEE', 'max priority fee per gas higher than max fee per gas');
  }
  if (state.isContract) throw new FedaiError('TX_FROM_CONTRACT', 'sender not an eoa', { sender });
  if (tx.nonce < state.nonce) {
    throw new FedaiError('TX_NONCE_TOO_LOW', 'nonce too low', { got: tx.nonce, expected: state.nonce });
  }
  if (tx.nonce > state.nonce + BigInt(rules.limits.nonceGap)) {
    throw new FedaiError('TX_NONCE_TOO_HIGH', 'nonce too high', { got: tx.nonce, expected: state.nonce });
  }
  const cost = maximumCost(tx);
  if (cost + pending > state.balance) {
    throw new FedaiError(
      'TX_INSUFFICIENT_FUNDS',
      'insufficient funds for gas * price + value',
      { balance: state.balance, cost, pending },
      { remedy: 'send a smaller value, or fund the account first' },
    );
  }
}

/** Wei that the transaction can take from its sender at most. */
export function maximumCost(tx: PooledTransaction['tx']): bigint {
  return tx.value + tx.gasLimit * feeCap(tx);
}

export const feeCap = (tx: PooledTransaction['tx']): bigint =>
  'maxFeePerGas' in tx ? tx.maxFeePerGas : tx.gasPrice;

export const tipCap = (tx: PooledTransaction['tx']): bigint =>
  'maxFeePerGas' in tx ? tx.maxPriorityFeePerGas : tx.gasPrice;

/** What the proposer earns per gas; negative when the transaction cannot pay the base fee. */
export function tipAt(tx: PooledTransaction['tx'], baseFee: bigint): bigint {
  const room = feeCap(tx) - baseFee;
  const tip = tipCap(tx);
  return 'maxFeePerGas' in tx && tip < room ? tip : room;
}
