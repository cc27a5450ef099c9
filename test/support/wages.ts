/** What docs/protocol/job.md promises, computed from what the chain fixed; shares no code with the product. */
import type { Hex } from '../../core/index.ts';
import type { JobReceipt, Market, MarketEvent } from '../../market/index.ts';

/** Rounds in order, each with its contributing slots. */
export async function contributions(market: Market, jobId: bigint): Promise<number[][]> {
  const rounds: number[][] = [];
  for (const event of await market.events({ fromHeight: 0, jobId, names: ['RoundCommitted'] })) {
    if (event.name !== 'RoundCommitted' || event.round !== rounds.length)
      throw new TypeError('rounds out of order');
    rounds.push(
      [...event.contributors.toString(2)].reverse().flatMap((bit, slot) => (bit === '1' ? [slot] : [])),
    );
  }
  return rounds;
}

export interface TraceOnChain {
  round: number;
  slot: number;
  worker: Hex;
  /** Drawn and not opened, or proven wrong. */
  lost: boolean;
}

/** Traces in the order of their commitment. */
export async function tracesOnChain(market: Market, jobId: bigint): Promise<TraceOnChain[]> {
  const traces = new Map<string, TraceOnChain>();
  for (const event of await market.events({ fromHeight: 0, jobId, names: ['TraceCommitted'] })) {
    if (event.name !== 'TraceCommitted') continue;
    const { round, slot, worker } = event;
    const key = `${round} ${worker}`;
    if (traces.has(key)) throw new TypeError('a trace is committed twice');
    const { lost } = await market.traceOf(jobId, round, slot);
    traces.set(key, { round, slot, worker, lost });
  }
  return [...traces.values()];
}

/**
 * Wei by account: of 90 % for workers the unit of every trace that was not lost, 4 % to agreeing evaluators, back to the client
 * what is left after the units of 4 % and 1 % that every trace burns or keeps as its work fee and brings the validators, and of 1 %
 * for auditors where the job is `audited`.
 */
export function wagesDue(
  receipt: JobReceipt,
  traces: readonly TraceOnChain[],
  audited = false,
): Map<Hex, bigint> {
  const { escrow } = receipt.payouts;
  const [evaluators, fees] = [escrow / 25n, escrow / 25n];
  const [validators, auditors] = [escrow / 100n, escrow / 100n];
  const pool = escrow - evaluators - fees - validators - auditors;
  const slots = receipt.workers.length;
  const units = BigInt(receipt.rounds * slots);
  const due = new Map<Hex, bigint>();
  let left = escrow;
  const pay = (account: Hex, amount: bigint) => {
    left -= amount;
    due.set(account, (due.get(account) ?? 0n) + amount);
  };
  for (const { round, slot, worker, lost } of traces) {
    const before = BigInt(round * slots + slot);
    const unit = (part: bigint) => (part * (before + 1n)) / units - (part * before) / units;
    left -= unit(fees) + unit(validators) + (audited ? unit(auditors) : 0n);
    if (!lost) pay(worker, unit(pool));
  }
  const { agreeing } = receipt;
  for (const [i, account] of agreeing.entries()) {
    const each = evaluators / BigInt(agreeing.length);
    pay(account, i > 0 ? each : evaluators - each * BigInt(agreeing.length - 1));
  }
  pay(receipt.client, left);
  return due;
}

/** Wei by account, as credited on chain, to these accounts. */
export async function wagesCredited(
  market: Market,
  jobId: bigint,
  accounts: Iterable<Hex>,
): Promise<Map<Hex, bigint>> {
  const credited = new Map<Hex, bigint>([...accounts].map((account) => [account, 0n]));
  for (const event of await market.events({ fromHeight: 0, jobId, names: ['Credited'] })) {
    const { account, amount } = event as Extract<MarketEvent, { name: 'Credited' }>;
    if (credited.has(account)) credited.set(account, credited.get(account)! + amount);
  }
  return credited;
}
