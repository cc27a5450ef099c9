/**
 * One queue of transactions for one key: nonces in order, retried while the RPC is away, offered again until mined, and
 * replaced by one that pays more when blocks pass it by.
 */
import { SigningKey, Transaction } from 'ethers';
import { addressOf, type Clock, FedaiError, type Hex, type Log, sleep, toHex } from '../core/index.ts';
import { type Fees, raiseFees, suggestFees } from './fees.ts';
import { retry } from './retry.ts';
import { explainRevert } from './reverts.ts';
import type { RpcTransport } from './transport.ts';

export interface TransactionRequest {
  /** Name of the call, for errors and logs. */
  call: string;
  to: Hex;
  data: Hex;
  /** Wei. */
  value?: bigint;
}

export interface MinedTransaction {
  hash: Hex;
  height: number;
  gasUsed: bigint;
  logs: readonly { address: Hex; topics: readonly Hex[]; data: Hex }[];
}

export interface Sender {
  readonly address: Hex;
  /** Resolves when the transaction is mined and succeeded; throws `REVERTED`, `INSUFFICIENT_FUNDS` or the abort reason. */
  send(request: TransactionRequest): Promise<MinedTransaction>;
}

export interface SenderOptions {
  transport: RpcTransport;
  privateKey: Uint8Array;
  log: Log;
  clock: Clock;
  /** How often a receipt is asked for. */
  pollMs: number;
  signal?: AbortSignal | undefined;
  /** Attempts while the RPC is away; unset means until the signal aborts. */
  attempts?: number | undefined;
}

/**
 * State may move between estimate and execution, and nodes estimate as of the latest block: what is then a rewrite of a
 * vote checkpoint is a new one in the next block (five first writes at 22 100 gas). Unused gas is not paid.
 */
const GAS_MARGIN_NUMERATOR = 13n;
const GAS_MARGIN_DENOMINATOR = 10n;
const GAS_MARGIN_FLAT = 120_000n;
/** What a transaction may use, given what it was estimated to use. */
export const gasLimitOf = (estimate: bigint): bigint =>
  (estimate * GAS_MARGIN_NUMERATOR) / GAS_MARGIN_DENOMINATOR + GAS_MARGIN_FLAT;

/** A chain node that restarted has lost its pool: the same bytes are offered again. */
const REBROADCAST_MS = 4_000;

/** Blocks that a transaction which is next in line may miss before it is replaced by one with higher fees. */
const PATIENCE_BLOCKS = 8;
/** Each raises the fees by an eighth or more: enough for any honest rise of the base fee, and bounded. */
const MAX_RAISES = 24;

interface Submitted {
  hash: Hex;
  raw: Hex;
  unsigned: UnsignedTransaction;
}

/** All forms of one transaction that were offered, latest last: any of them may be mined. */
type Offers = [Submitted, ...Submitted[]];

/** The queue; every transaction of a key must go through one sender. */
export function createSender(options: SenderOptions): Sender {
  const address = addressOf(options.privateKey);
  const state = { nextNonce: 0, tail: Promise.resolve() as Promise<unknown> };
  const submitInTurn = (request: TransactionRequest): Promise<Submitted> => {
    const turn = state.tail.then(() =>
      retry(request.call, () => submit(options, address, state, request), options),
    );
    state.tail = turn.catch(() => {});
    return turn;
  };
  return {
    address,
    async send(request) {
      for (;;) {
        const submitted = await submitInTurn(request);
        const mined = await waitMined(options, request, [submitted]);
        if (mined !== undefined) return mined;
        options.log.warn('another transaction took the nonce; sending again', { call: request.call });
      }
    },
  };
}

async function submit(
  options: SenderOptions,
  address: Hex,
  state: { nextNonce: number },
  request: TransactionRequest,
): Promise<Submitted> {
  const { transport, signal } = options;
  const value = request.value ?? 0n;
  const call = { from: address, to: request.to, data: request.data, value: `0x${value.toString(16)}` };
  try {
    const gas = BigInt((await transport.request('eth_estimateGas', [call, 'pending'], signal)) as string);
    const [pending, chainId, fees] = await Promise.all([
      transport.request('eth_getTransactionCount', [address, 'pending'], signal),
      transport.request('eth_chainId', [], signal),
      suggestFees(transport, signal),
    ]);
    const nonce = Math.max(state.nextNonce, Number(pending));
    const gasLimit = gasLimitOf(gas);
    const { to, data } = request;
    const submitted = sign(options.privateKey, {
      to,
      data,
      value,
      nonce,
      gasLimit,
      chainId: BigInt(chainId as string),
      ...fees,
    });
    await broadcast(transport, submitted.raw, signal);
    state.nextNonce = nonce + 1;
    return submitted;
  } catch (fault) {
    throw submissionFault(explainRevert(fault, request.call), address);
  }
}

interface UnsignedTransaction extends Fees {
  to: Hex;
  data: Hex;
  value: bigint;
  nonce: number;
  gasLimit: bigint;
  chainId: bigint;
}

function sign(privateKey: Uint8Array, unsigned: UnsignedTransaction): Submitted {
  const transaction = Transaction.from({ type: 2, ...unsigned });
  transaction.signature = new SigningKey(toHex(privateKey)).sign(transaction.unsignedHash);
  return { hash: transaction.hash as Hex, raw: transaction.serialized as Hex, unsigned };
}

/** Offers raw bytes to the pool; that the pool has them already is success. */
async function broadcast(transport: RpcTransport, raw: Hex, signal?: AbortSignal): Promise<void> {
  try {
    await transport.request('eth_sendRawTransaction', [raw], signal);
  } catch (fault) {
    if (
      fault instanceof FedaiError &&
      /already known|already imported|known transaction/i.test(fault.message)
    ) {
      return;
    }
    throw fault;
  }
}

function submissionFault(fault: unknown, address: Hex): unknown {
  if (!(fault instanceof FedaiError) || fault.code !== 'RPC_ERROR') return fault;
  if (/insufficient (funds|balance)|enough funds/i.test(fault.message)) {
    return new FedaiError(
      'INSUFFICIENT_FUNDS',
      'the account cannot pay for the transaction',
      { address, reason: fault.message },
      { cause: fault, remedy: `send coins to ${address}` },
    );
  }
  if (isNonceFault(fault) || /pool is full|underpriced/i.test(fault.message)) {
    return new FedaiError('NOT_ACCEPTED', fault.message, fault.data, { cause: fault, transient: true });
  }
  return fault;
}

const isNonceFault = (fault: unknown): boolean => fault instanceof FedaiError && /nonce/i.test(fault.message);

/** The receipt; `undefined` when another transaction of the key used the nonce. */
async function waitMined(
  options: SenderOptions,
  request: TransactionRequest,
  offers: Offers,
): Promise<MinedTransaction | undefined> {
  const { transport, signal, clock } = options;
  const findReceipt = () => firstReceipt(transport, offers, signal);
  let offeredAt = clock.now();
  let patienceEnds = (await retry('height', () => heightOf(options), options)) + PATIENCE_BLOCKS;
  for (;;) {
    const receipt = await retry('receipt', findReceipt, options);
    if (receipt !== undefined) return minedOrThrow(options, request, receipt);
    if (clock.now() - offeredAt >= REBROADCAST_MS) {
      offeredAt = clock.now();
      const height = await retry('height', () => heightOf(options), options);
      if (height >= patienceEnds) {
        patienceEnds = height + PATIENCE_BLOCKS;
        await retry('replacement', () => replace(options, request, offers), options);
      }
      const replaced = await retry('rebroadcast', () => rebroadcast(transport, offers, signal), options);
      if (replaced) return undefined;
    }
    await sleep(options.pollMs, signal, clock);
  }
}

const heightOf = async ({ transport, signal }: SenderOptions): Promise<number> =>
  Number((await transport.request('eth_blockNumber', [], signal)) as string);

/** Adds an offer with higher fees, if it is its turn to be mined. What a pool refuses changes nothing. */
async function replace(options: SenderOptions, request: TransactionRequest, offers: Offers): Promise<void> {
  const { transport, signal, log, privateKey } = options;
  const { unsigned } = offers.at(-1)!;
  const [next, fees] = await Promise.all([
    transport.request('eth_getTransactionCount', [addressOf(privateKey), 'latest'], signal),
    suggestFees(transport, signal),
  ]);
  if (Number(next) !== unsigned.nonce || offers.length > MAX_RAISES) return;
  const raised = sign(privateKey, { ...unsigned, ...raiseFees(unsigned, fees) });
  try {
    await broadcast(transport, raised.raw, signal);
  } catch (fault) {
    if (!(fault instanceof FedaiError) || fault.code !== 'RPC_ERROR') throw fault;
    return log.info('a replacement was not taken', { call: request.call, reason: fault.message });
  }
  offers.push(raised);
  log.info('replaced by a transaction that pays more', { call: request.call, nonce: unsigned.nonce });
}

async function firstReceipt(
  transport: RpcTransport,
  offers: Offers,
  signal?: AbortSignal,
): Promise<RawReceipt | undefined> {
  for (const { hash } of offers.toReversed()) {
    const receipt = await fetchReceipt(transport, hash, signal);
    if (receipt !== undefined) return receipt;
  }
  return undefined;
}

/** Offers again what is not mined; `true` when its nonce is used up by something else. */
async function rebroadcast(transport: RpcTransport, offers: Offers, signal?: AbortSignal): Promise<boolean> {
  try {
    await broadcast(transport, offers.at(-1)!.raw, signal);
    return false;
  } catch (fault) {
    if (!isNonceFault(fault)) {
      if (fault instanceof FedaiError && fault.code === 'RPC_ERROR') return false; // e.g. pool full: offered again later
      throw fault;
    }
    return (await firstReceipt(transport, offers, signal)) === undefined;
  }
}

interface RawReceipt {
  status: string;
  blockNumber: string;
  gasUsed: string;
  transactionHash: Hex;
  logs: MinedTransaction['logs'];
}

async function fetchReceipt(
  transport: RpcTransport,
  hash: Hex,
  signal?: AbortSignal,
): Promise<RawReceipt | undefined> {
  const receipt = await transport.request('eth_getTransactionReceipt', [hash], signal);
  return (receipt as RawReceipt | null) ?? undefined;
}

async function minedOrThrow(
  options: SenderOptions,
  request: TransactionRequest,
  receipt: RawReceipt,
): Promise<MinedTransaction> {
  const height = Number(receipt.blockNumber);
  if (Number(receipt.status) === 1) {
    return { hash: receipt.transactionHash, height, gasUsed: BigInt(receipt.gasUsed), logs: receipt.logs };
  }
  const call = { from: addressOf(options.privateKey), to: request.to, data: request.data };
  const value = `0x${(request.value ?? 0n).toString(16)}`;
  try {
    await options.transport.request('eth_call', [{ ...call, value }, 'latest'], options.signal);
  } catch (fault) {
    throw explainRevert(fault, request.call);
  }
  throw new FedaiError('REVERTED', `${request.call} failed in block ${height}`, {
    call: request.call,
    error: 'unknown',
    hash: receipt.transactionHash,
    height,
  });
}
