/**
 * Whether everyone got what the rules say, to the wei: the shares are computed anew from the job's receipt and committed
 * traces, and compared with what each account can withdraw or has withdrawn. Owns no payment.
 */
import { FedaiError, type Hex, keccak256, toHex, utf8 } from '../../core/index.ts';
import {
  auditorsPart,
  type JobPost,
  type JobReceipt,
  type Market,
  type Parameters,
  type Payouts,
} from '../../market/index.ts';

const BPS = 10_000n;
/** Where the chain burns: an account without a key. */
const BURN_ACCOUNT: Hex = '0x0000000000000000000000000000000000000000';
/** Stands for the court, which pays auditors in its own time and after its own rules. */
const AUDITORS = 'auditors';
const WITHDRAWN_TOPIC = toHex(keccak256(utf8('Withdrawn(address,uint256)')));
const TOTAL_BURNED_SELECTOR = toHex(keccak256(utf8('totalBurned()')).subarray(0, 4));

export interface PaidTrace {
  round: number;
  slot: number;
  /** Void or faulty: its pay went back to the client. */
  lost: boolean;
}

export interface PaymentInput {
  receipt: JobReceipt;
  parameters: Parameters;
  /** One for each training round of a slot that is on chain. */
  traces: readonly PaidTrace[];
  /** Whether its traces are brought to the court with the auditors' part, and how large that is, basis points. */
  audits: { paid: boolean; bps: number };
  /** In Staking's order. */
  validators: readonly { address: Hex; power: bigint }[];
}

/** Wei due by account in lower case; the work fees under the zero address, the auditors' under a name. Sums to the escrow. */
export function expectedPayments({
  receipt,
  parameters,
  traces,
  audits,
  validators,
}: PaymentInput): Map<string, bigint> {
  const { escrow } = receipt.payouts;
  const part = (bps: number) => (escrow * BigInt(bps)) / BPS;
  const due = new Map<string, bigint>();
  const pay = (account: Hex, amount: bigint) => {
    const key = account.toLowerCase();
    if (amount > 0n) due.set(key, (due.get(key) ?? 0n) + amount);
  };
  const auditors = part(audits.bps);
  const { evaluatorsBps, burnBps, validatorsBps } = parameters;
  const pool = escrow - part(evaluatorsBps) - part(burnBps) - part(validatorsBps) - auditors;
  const slots = receipt.workers.length;
  const unitOf = (amount: bigint, { round, slot }: PaidTrace): bigint =>
    unitShare(amount, round * slots + slot, receipt.rounds * slots);
  for (const trace of traces) if (!trace.lost) pay(receipt.workers[trace.slot]!, unitOf(pool, trace));
  const sumOf = (amount: bigint) => traces.reduce((sum, trace) => sum + unitOf(amount, trace), 0n);
  if (receipt.agreeing.length > 0) equalShares(part(evaluatorsBps), receipt.agreeing, pay);
  const audited = audits.paid ? sumOf(auditors) : 0n;
  if (audited > 0n) due.set(AUDITORS, audited);
  pay(BURN_ACCOUNT, sumOf(part(burnBps)));
  stakeShares(sumOf(part(validatorsBps)), validators, pay);
  const paid = [...due.values()].reduce((total, amount) => total + amount, 0n);
  pay(receipt.client, escrow - paid);
  return due;
}

/** What `expectedPayments` asks about a job's audits. */
export const auditsOf = (
  { court }: Market,
  parameters: Parameters,
  post: JobPost,
): PaymentInput['audits'] => ({
  paid: post.provable && court !== undefined,
  bps: auditorsPart(parameters, post),
});

/** Of `units` equal parts the one with this index; what rounding leaves falls to later ones, and all sum to `amount`. */
const unitShare = (amount: bigint, index: number, units: number): bigint =>
  (amount * BigInt(index + 1)) / BigInt(units) - (amount * BigInt(index)) / BigInt(units);

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

/**
 * Earned so far by account: withdrawable and withdrawn, in wei. Under the zero address the work fees: burned, or kept by
 * UsefulWork for those whose work seals blocks, or paid to them.
 */
export async function earnings(market: Market, accounts: readonly Hex[]): Promise<Map<string, bigint>> {
  const burned = (await market.balanceOf(BURN_ACCOUNT)) - (await burnedElsewhere(market));
  const earned = new Map<string, bigint>([[BURN_ACCOUNT, burned + (await keptFees(market))]]);
  for (const account of accounts) {
    const withdrawn = await withdrawals(market, market.contracts.jobManager, account);
    earned.set(account.toLowerCase(), (await market.withdrawable(account)) + withdrawn);
  }
  return earned;
}

async function keptFees(market: Market): Promise<bigint> {
  const { usefulWork } = market.contracts;
  if (usefulWork == null) return 0n;
  return (await market.balanceOf(usefulWork)) + (await withdrawals(market, usefulWork));
}

/** Stake of slashed accounts and bonds of false accusers are burned in the same place. */
async function burnedElsewhere({ contracts, transport }: Market): Promise<bigint> {
  let sum = 0n;
  for (const to of [contracts.staking, contracts.trainingCourt]) {
    if (to == null) continue;
    const call = { to, data: TOTAL_BURNED_SELECTOR };
    sum += BigInt((await transport.request('eth_call', [call, 'latest'])) as string);
  }
  return sum;
}

/** What `contract` has paid out, to one account or to all. */
async function withdrawals(market: Market, contract: Hex, account?: Hex): Promise<bigint> {
  const topic = account && `0x${account.slice(2).toLowerCase().padStart(64, '0')}`;
  const filter = {
    address: contract,
    fromBlock: '0x0',
    toBlock: 'latest',
    topics: topic === undefined ? [WITHDRAWN_TOPIC] : [WITHDRAWN_TOPIC, topic],
  };
  const logs = (await market.transport.request('eth_getLogs', [filter])) as { data: Hex }[];
  return logs.reduce((total, { data }) => total + BigInt(data), 0n);
}

export interface PaymentCheck {
  exact: boolean;
  /** One line for each account that did not get what was due. */
  faults: string[];
}

/** Compares what was due with what was earned since `before`, and the six sums with the escrow. */
export function checkPayments(
  due: ReadonlyMap<string, bigint>,
  before: ReadonlyMap<string, bigint>,
  after: ReadonlyMap<string, bigint>,
  payouts: Payouts,
): PaymentCheck {
  const faults: string[] = [];
  const earned = (account: string) =>
    account === AUDITORS ? payouts.auditors : (after.get(account) ?? 0n) - (before.get(account) ?? 0n);
  for (const account of new Set([...due.keys(), ...after.keys(), AUDITORS])) {
    const expected = due.get(account) ?? 0n;
    const got = earned(account);
    if (got !== expected) faults.push(`${account} got ${got} wei, ${expected} were due`);
  }
  const { workers, evaluators, auditors, burned, validators, refund } = payouts;
  const sum = workers + evaluators + auditors + burned + validators + refund;
  if (sum !== payouts.escrow) faults.push(`the payouts sum to ${sum} wei, ${payouts.escrow} were in escrow`);
  return { exact: faults.length === 0, faults };
}

/** Every trace that the job's workers have on chain. */
export async function paidTraces(market: Market, { jobId, workers }: JobReceipt): Promise<PaidTrace[]> {
  const names = ['TraceCommitted'] as const;
  const traces: PaidTrace[] = [];
  for (const event of await market.events({ fromHeight: 0, jobId, names })) {
    if (event.name !== 'TraceCommitted') continue;
    const { round, slot, worker } = event;
    if (workers[slot] !== worker)
      throw new FedaiError('BAD_TRACE', 'a trace is not of its slot', { jobId, round });
    // A draw that voids a trace leaves no event.
    traces.push({ round, slot, lost: (await market.traceOf(jobId, round, slot)).lost });
  }
  return traces;
}
