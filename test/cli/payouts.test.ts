import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPayments, expectedPayments } from '../../cli/devnet/payouts.ts';
import type { Hex } from '../../core/index.ts';
import type { JobReceipt, Parameters, Payouts } from '../../market/index.ts';

const account = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`;
const parameters = { workersBps: 9000, evaluatorsBps: 500, burnBps: 400, validatorsBps: 100 } as Parameters;
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
  it('are 90/5/4/1 of a whole job, remainders where the contract puts them', () => {
    const due = expectedPayments({
      receipt: receiptOf(1_000n, 2, 3),
      parameters,
      contributors: [0b111n, 0b101n],
      validators,
    });
    expect(Object.fromEntries(due)).toEqual({
      [account(11)]: 150n + 225n,
      [account(12)]: 150n,
      [account(13)]: 150n + 225n,
      [account(21)]: 18n,
      [account(22)]: 16n,
      [account(23)]: 16n,
      [account(0)]: 40n,
      [account(1)]: 1n,
      [account(2)]: 3n,
      [account(3)]: 6n,
    });
  });

  it('sum to the escrow for every amount, number of rounds and contributors', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 30n }),
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.bigInt({ min: 1n, max: 7n }), { maxLength: 30 }),
        fc.integer({ min: 0, max: 3 }),
        (escrow, planned, bitmaps, agreeing) => {
          const contributors = bitmaps.slice(0, planned);
          const receipt = receiptOf(escrow, planned, agreeing);
          const due = expectedPayments({ receipt, parameters, contributors, validators });
          expect([...due.values()].reduce((sum, amount) => sum + amount, 0n)).toBe(escrow);
        },
      ),
    );
  });

  it('that are off by a wei are named', () => {
    const payouts = { workers: 9n, evaluators: 1n, burned: 0n, validators: 0n, refund: 0n, escrow: 10n };
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
