/**
 * Whether everyone got what the rules say, to the wei: the shares are computed anew from the job's receipt and fixed
 * rounds, and compared with what each account can withdraw or has withdrawn. Owns no payment.
 */
import { FedaiError, type Hex, keccak256, toHex, utf8 } from '../../core/index.ts';
import type { JobReceipt, Market, Parameters, Payouts } from '../../market/index.ts';

const BPS = 10_000n;
/** Where the chain burns: an account without a key. */
const BURN_ACCOUNT: Hex = '0x0000000000000000000000000000000000000000';
const WITHDRAWN_TOPIC = toHex(keccak256(utf8('Withdrawn(address,uint256)')));
const TOTAL_BURNED_SELECTOR = toHex(keccak256(utf8('totalBurned()')).subarray(0, 4));

export interface PaymentInput {
  receipt: JobReceipt;
  parameters: Parameters;
  /** Bitmaps of slots, one for each fixed training round in order. */
  contributors: readonly bigint[];
  /** In Staking's order. */
  validators: readonly { address: Hex; power: bigint }[];
}

/** Wei due by account in lower case; the burned part under the zero address. Sums to the escrow. */
export function expectedPayments({
  receipt,
  parameters,
  contributors,
  validators,
}: PaymentInput): Map<string, bigint> {
  const { escrow } = receipt.payouts;
  const planned = BigInt(receipt.rounds);
  const done = BigInt(contributors.length);
  const part = (bps: number) => (escrow * BigInt(bps)) / BPS;
  const due = new Map<string, bigint>();
  const pay = (account: Hex, amount: bigint) => {
    const key = account.toLowerCase();
    if (amount > 0n) due.set(key, (due.get(key) ?? 0n) + amount);
  };
  const pool =
    escrow - part(parameters.evaluatorsBps) - part(parameters.burnBps) - part(parameters.validatorsBps);
  contributors.forEach((bitmap, round) => {
    const share = (pool * BigInt(round + 1)) / planned - (pool * BigInt(round)) / planned;
    const slots = receipt.workers.filter((_, slot) => (bitmap >> BigInt(slot)) & 1n);
    equalShares(share, slots, pay);
  });
  if (receipt.agreeing.length > 0) equalShares(part(parameters.evaluatorsBps), receipt.agreeing, pay);
  pay(BURN_ACCOUNT, (part(parameters.burnBps) * done) / planned);
  stakeShares((part(parameters.validatorsBps) * done) / planned, validators, pay);
  const paid = [...due.values()].reduce((total, amount) => total + amount, 0n);
  pay(receipt.client, escrow - paid);
  return due;
}

/** The first takes the remainder. */
function equalShares(
  amount: bigint,
  accounts: readonly Hex[],
  pay: (account: Hex, amount: bigint) => void,
): void {
  const share = amount / BigInt(accounts.length);
  for (const [i, account] of accounts.entries()) {
    pay(account, i === 0 ? share + (amount % BigInt(accounts.length)) : share);
  }
}

/** By stake; the last takes the remainder. */
function stakeShares(
  amount: bigint,
  validators: PaymentInput['validators'],
  pay: (account: Hex, amount: bigint) => void,
): void {
  const total = validators.reduce((sum, { power }) => sum + power, 0n);
  let rest = amount;
  validators.forEach(({ address, power }, i) => {
    const share = i + 1 === validators.length ? rest : (amount * power) / total;
    rest -= share;
    pay(address, share);
  });
}

/** Earned so far by account: withdrawable and withdrawn, in wei; what jobs burned under the zero address. */
export async function earnings(market: Market, accounts: readonly Hex[]): Promise<Map<string, bigint>> {
  const burned = (await market.balanceOf(BURN_ACCOUNT)) - (await burnedStake(market));
  const earned = new Map<string, bigint>([[BURN_ACCOUNT, burned]]);
  for (const account of accounts) {
    const withdrawn = await withdrawnBy(market, account);
    earned.set(account.toLowerCase(), (await market.withdrawable(account)) + withdrawn);
  }
  return earned;
}

/** Stake of slashed accounts is burned in the same place. */
async function burnedStake(market: Market): Promise<bigint> {
  const call = { to: market.contracts.staking, data: TOTAL_BURNED_SELECTOR };
  return BigInt((await market.transport.request('eth_call', [call, 'latest'])) as string);
}

async function withdrawnBy(market: Market, account: Hex): Promise<bigint> {
  const topic = `0x${account.slice(2).toLowerCase().padStart(64, '0')}`;
  const filter = {
    address: market.contracts.jobManager,
    fromBlock: '0x0',
    toBlock: 'latest',
    topics: [WITHDRAWN_TOPIC, topic],
  };
  const logs = (await market.transport.request('eth_getLogs', [filter])) as { data: Hex }[];
  return logs.reduce((total, { data }) => total + BigInt(data), 0n);
}

export interface PaymentCheck {
  exact: boolean;
  /** One line for each account that did not get what was due. */
  faults: string[];
}

/** Compares what was due with what was earned since `before`, and the five sums with the escrow. */
export function checkPayments(
  due: ReadonlyMap<string, bigint>,
  before: ReadonlyMap<string, bigint>,
  after: ReadonlyMap<string, bigint>,
  payouts: Payouts,
): PaymentCheck {
  const faults: string[] = [];
  for (const account of new Set([...due.keys(), ...after.keys()])) {
    const expected = due.get(account) ?? 0n;
    const got = (after.get(account) ?? 0n) - (before.get(account) ?? 0n);
    if (got !== expected) faults.push(`${account} got ${got} wei, ${expected} were due`);
  }
  const sum = payouts.workers + payouts.evaluators + payouts.burned + payouts.validators + payouts.refund;
  if (sum !== payouts.escrow) faults.push(`the payouts sum to ${sum} wei, ${payouts.escrow} were in escrow`);
  return { exact: faults.length === 0, faults };
}

/** Bitmaps of all fixed training rounds. */
export async function fixedContributors(market: Market, receipt: JobReceipt): Promise<bigint[]> {
  const contributors: bigint[] = [];
  for (let round = 0; round < receipt.roundsFixed; round++) {
    const fixed = await market.roundOf(receipt.jobId, round);
    if (fixed.fixedAt === 0) {
      throw new FedaiError('BAD_RECEIPT', 'the receipt counts a training round that is not fixed', { round });
    }
    contributors.push(fixed.contributors);
  }
  return contributors;
}
