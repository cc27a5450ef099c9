/**
 * Sends by the wallet what the market wants sent: tried on this page's chain node first, so that a refusal is told before
 * the wallet asks, then signed by the wallet one by one, then waited for here.
 */
import { FedaiError, type Hex, sleep } from '../../core/index.ts';
import {
  checksummed,
  explainRevert,
  gasLimitOf,
  type MinedTransaction,
  type RpcTransport,
  type Sender,
  type TransactionRequest,
} from '../../market/index.ts';
import { askWallet, readyWallet } from './wallet.ts';

export interface WalletSenderOptions {
  transport: RpcTransport;
  account: Hex;
  signal?: AbortSignal;
  /** The wallet asks now. */
  onAsked?: (call: string) => void;
  /** It has signed; the transaction is on its way. */
  onSent?: (hash: Hex, call: string) => void;
}

const POLL_MS = 500;
const HASH = /^0x[0-9a-f]{64}$/i;
const hexOf = (value: bigint): string => `0x${value.toString(16)}`;

export function createWalletSender(options: WalletSenderOptions): Sender {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    address: checksummed(options.account),
    async send(request) {
      // One question at a time: wallets pile them up otherwise.
      const turn = tail.then(() => submit(options, request));
      tail = turn.catch(() => {});
      return waitMined(options.transport, await turn, request.call, options.signal);
    },
  };
}

/** Gas that it may use; throws `REVERTED`, `INSUFFICIENT_FUNDS` or what the node says. */
export async function simulate(
  transport: RpcTransport,
  from: Hex,
  { call, to, data, value = 0n }: TransactionRequest,
): Promise<bigint> {
  const transaction = { from, to, data, value: hexOf(value) };
  try {
    const gas = BigInt(String(await transport.request('eth_estimateGas', [transaction, 'pending'])));
    return gasLimitOf(gas);
  } catch (fault) {
    const told = explainRevert(fault, call);
    if (told instanceof FedaiError && /insufficient|enough funds/i.test(told.message))
      throw tooPoor(from, told);
    throw told;
  }
}

const tooPoor = (account: Hex, cause: FedaiError): FedaiError =>
  new FedaiError(
    'INSUFFICIENT_FUNDS',
    'the account cannot pay for this and its gas',
    { account },
    { cause, remedy: `Send TRAIN to ${account}, or lower the amount.` },
  );

async function submit(options: WalletSenderOptions, request: TransactionRequest): Promise<Hex> {
  options.signal?.throwIfAborted();
  const { provider, account } = await readyWallet();
  if (account !== options.account.toLowerCase()) throw otherAccount(options.account, account);
  const gas = await simulate(options.transport, account, request);
  const { to, data, value = 0n, call } = request;
  options.onAsked?.(call);
  const hash = await askWallet(provider, 'eth_sendTransaction', [
    { from: account, to, data, value: hexOf(value), gas: hexOf(gas) },
  ]);
  if (typeof hash !== 'string' || !HASH.test(hash))
    throw new FedaiError('WALLET_FAILED', 'the wallet gave no transaction hash');
  options.onSent?.(hash as Hex, call);
  return hash as Hex;
}

const otherAccount = (expected: Hex, got: Hex): FedaiError =>
  new FedaiError(
    'WRONG_ACCOUNT',
    'the wallet has changed to another account',
    { expected, got },
    { remedy: `Choose ${expected} in the wallet.` },
  );

interface RawReceipt {
  status: string;
  blockNumber: string;
  gasUsed: string;
  transactionHash: Hex;
  logs: MinedTransaction['logs'];
}

/** Waits for as long as `signal` lets it; throws `REVERTED`. */
export async function waitMined(
  transport: RpcTransport,
  hash: Hex,
  call: string,
  signal?: AbortSignal,
): Promise<MinedTransaction> {
  for (;;) {
    const receipt = (await transport
      .request('eth_getTransactionReceipt', [hash], signal)
      .catch(whileAway)) as RawReceipt | null;
    if (receipt !== null) {
      const { status, blockNumber, gasUsed, logs } = receipt;
      const height = Number(blockNumber);
      if (Number(status) === 1) return { hash, height, gasUsed: BigInt(gasUsed), logs };
      throw new FedaiError('REVERTED', `${call} failed in block ${height}`, { call, hash, height });
    }
    await sleep(POLL_MS, signal);
  }
}

/** A node that is away for a while does not end the waiting. */
function whileAway(fault: unknown): null {
  if (fault instanceof FedaiError && fault.transient) return null;
  throw fault;
}
