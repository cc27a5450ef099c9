import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPayments, expectedPayments, type PaidTrace } from '../../cli/devnet/payouts.ts';
import type { Hex } from '../../core/index.ts';
import type { JobReceipt, Parameters, Payouts } from '../../market/index.ts';
import { wagesDue } from '../support/wages.ts';

const account = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`;
const parameters = {
  ...{ workersBps: 9000, evaluatorsBps: 400, burnBps: 400, validatorsBps: 100 },
  ...{ auditorsBps: 100, fullAuditBps: 3000 },
} as Parameters;
const audits = { paid: true, bps: 100 };
const validators = [1, 2, 3].map((n) => ({ address: account(n), power: BigInt(n) * 10n ** 18n }));

function receiptOf(escrow: bigint, rounds: number, agreeing: number): JobReceipt {
  return {
    client: account(99),
    rounds,
    workers: [account(11), account(12), account(13)],
    agreeing: Array.from({ length: agreeing }, (_, i) => account(21 + i)),
    payouts: { escrow } as Payouts,
  } as JobReceipt;
}

describe('payments', () => {
  it('are 90/4/1/4/1 of a whole job, by committed traces, remainders where the contract puts them', () => {
    const whole = [0, 1].flatMap((round) => [0, 1, 2].map((slot) => ({ round, slot, lost: false })));
    const payments = (traces: PaidTrace[]) =>
      Object.fromEntries(
        expectedPayments({ receipt: receiptOf(1_000n, 2, 3), parameters, traces, audits, validators }),
      );
    const others = {
      [account(21)]: 14n,
      [account(22)]: 13n,
      [account(23)]: 13n,
    };
    expect(payments(whole)).toEqual({
      ...others,
      [account(11)]: 300n,
      [account(12)]: 300n,
      [account(13)]: 300n,
      auditors: 10n,
      [account(0)]: 40n,
      [account(1)]: 1n,
      [account(2)]: 3n,
      [account(3)]: 6n,
    });
    // Slot 1 is void in round 0 and gone in round 1: its pay returns, the fee of its trace does not.
    const part = whole.slice(0, -2).map((trace) => ({ ...trace, lost: trace.slot === 1 }));
    expect(payments(part)).toEqual({
      ...others,
      [account(11)]: 300n,
      [account(13)]: 150n,
      auditors: 6n,
      [account(0)]: 6n + 7n + 7n + 6n,
      [account(1)]: 1n,
      [account(2)]: 2n,
      [account(3)]: 3n,
      [account(99)]: 472n,
    });
  });

  it('sum to the escrow, as another count of the same rules, for every amount, number of rounds and traces', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 30n }),
        fc.integer({ min: 1, max: 30 }),
        fc.uniqueArray(
          fc.record({ round: fc.nat({ max: 29 }), slot: fc.nat({ max: 2 }), lost: fc.boolean() }),
          { selector: ({ round, slot }) => 3 * round + slot },
        ),
        fc.integer({ min: 0, max: 3 }),
        fc.boolean(),
        (escrow, planned, committed, agreeing, paid) => {
          const traces = committed.filter(({ round }) => round < planned);
          const receipt = receiptOf(escrow, planned, agreeing);
          const due = expectedPayments({
            ...{ receipt, parameters, traces, validators },
            audits: { paid, bps: 100 },
          });
          expect([...due.values()].reduce((sum, amount) => sum + amount, 0n)).toBe(escrow);
          expect([...due.values()].every((amount) => amount > 0n)).toBe(true);
          const named = traces.map((trace) => ({ ...trace, worker: receipt.workers[trace.slot]! }));
          for (const [earner, amount] of wagesDue(receipt, named, paid))
            expect(due.get(earner) ?? 0n).toBe(amount);
        },
      ),
    );
  });

  it('that are off by a wei are named', () => {
    const payouts = {
      ...{ workers: 9n, evaluators: 1n, auditors: 0n },
      ...{ burned: 0n, validators: 0n, refund: 0n, escrow: 10n },
    };
    const due = new Map([['a', 9n]]);
    const exact = checkPayments(due, new Map([['a', 5n]]), new Map([['a', 14n]]), payouts);
    expect(exact).toEqual({ exact: true, faults: [] });
    const wrong = checkPayments(
      due,
      new Map(),
      new Map([
        ['a', 8n],
        ['b', 1n],
      ]),
      { ...payouts, refund: 1n },
    );
    expect(wrong.exact).toBe(false);
    expect(wrong.faults).toHaveLength(3);
  });
});
