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

/** Wei by account: 90 % to workers by round, 5 % to agreeing evaluators, the rest of what was not burned or paid to validators back. */
export function wagesDue(receipt: JobReceipt, rounds: readonly (readonly number[])[]): Map<Hex, bigint> {
  const { escrow } = receipt.payouts;
  const [evaluators, burn, validators] = [escrow / 20n, escrow / 25n, escrow / 100n];
  const pool = escrow - evaluators - burn - validators;
  const planned = BigInt(receipt.rounds);
  const due = new Map<Hex, bigint>();
  const pay = (account: Hex, amount: bigint) => due.set(account, (due.get(account) ?? 0n) + amount);
  const share = (amount: bigint, accounts: Hex[]) => {
    const each = amount / BigInt(accounts.length);
    const first = amount - each * BigInt(accounts.length - 1);
    for (const [i, account] of accounts.entries()) pay(account, i > 0 ? each : first);
  };
  let paid = 0n;
  rounds.forEach((slots, round) => {
    const sofar = (pool * BigInt(round + 1)) / planned;
    share(
      sofar - paid,
      slots.map((slot) => receipt.workers[slot]!),
    );
    paid = sofar;
  });
  const done = BigInt(rounds.length);
  if (receipt.agreeing.length > 0) share(evaluators, receipt.agreeing);
  const gone =
    paid +
    (burn * done) / planned +
    (validators * done) / planned +
    (receipt.agreeing.length > 0 ? evaluators : 0n);
  pay(receipt.client, escrow - gone);
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
