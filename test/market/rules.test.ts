import { describe, expect, test } from 'vitest';
import { toHex, uintBytes } from '../../core/index.ts';
import {
  type Accrual,
  type ClientView,
  clientActions,
  dueTransition,
  type Job,
  pendingReveals,
  turnOf,
  ZERO_HASH,
} from '../../market/index.ts';

const accrued = (clearAt: number): Accrual => ({
  ...{ workers: 0n, burned: 0n, validators: 0n, auditors: 0n },
  ...{ clearAt, traces: 0, lost: 0 },
});
const job = (change: Partial<Job>): Job =>
  ({ id: 1n, deadline: 100, drawHeight: 110, accrued: accrued(0), ...change }) as Job;
const account = (n: number) => toHex(uintBytes(n, 20));

describe('transitions that anyone may make', () => {
  const due = (change: Partial<Job>, height: number, pending = 0) =>
    dueTransition(job(change), height, { pending });

  test('an open job closes once the beacon of its draw is past', () => {
    expect(due({ state: 'Open' }, 109)).toBeNull();
    expect(due({ state: 'Open' }, 110)).toBe('closeAssignment');
  });

  test('training expires after its deadline only', () => {
    expect(due({ state: 'Training' }, 99)).toBeNull();
    expect(due({ state: 'Training' }, 100)).toBe('expireJob');
  });

  test('evaluators are drawn at the beacon, and a draw that cannot succeed expires', () => {
    const draw = { state: 'Evaluating', phase: 'Draw', deadline: 150 } as const;
    expect(due(draw, 109)).toBeNull();
    expect(due(draw, 110)).toBe('drawEvaluators');
    expect(due(draw, 150)).toBe('expireJob');
  });

  test('an evaluation completes when all have revealed, or after the deadline', () => {
    const reveal = { state: 'Evaluating', phase: 'Reveal' } as const;
    expect(due(reveal, 50, 1)).toBeNull();
    expect(due(reveal, 50, 0)).toBe('completeJob');
    expect(due(reveal, 100, 1)).toBe('completeJob');
  });

  test('a job is not settled while a draw may still void one of its traces', () => {
    const cases = [
      [{ state: 'Training' }, 'expireJob'],
      [{ state: 'Evaluating', phase: 'Draw', deadline: 150 }, 'expireJob'],
      [{ state: 'Evaluating', phase: 'Keys' }, 'expireJob'],
      [{ state: 'Evaluating', phase: 'Reveal' }, 'completeJob'],
    ] as const;
    for (const [step, transition] of cases) {
      expect(due({ ...step, accrued: accrued(170) }, 169)).toBeNull();
      expect(due({ ...step, accrued: accrued(170) }, 170)).toBe(transition);
    }
    // Other steps wait for no trace.
    const draw = { state: 'Evaluating', phase: 'Draw', deadline: 150, accrued: accrued(170) } as const;
    expect(due(draw, 110)).toBe('drawEvaluators');
  });

  test('nothing is due in a settled job', () => {
    for (const state of ['Completed', 'Failed', 'Cancelled'] as const)
      expect(due({ state }, 1_000)).toBeNull();
  });

  test('turns are a permutation that differs from job to job', () => {
    const all = Array.from({ length: 8 }, (_, n) => account(n + 1));
    const order = (jobId: bigint) => all.map((one) => turnOf(jobId, 'Draw', one, all));
    expect([...order(1n)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(order(1n)).not.toEqual(order(2n));
  });
});

describe('the client', () => {
  const evaluation = {
    keyDelivered: false,
    revealed: false,
    commitment: ZERO_HASH,
  } as ClientView['evaluators'][0]['evaluation'];
  const view = (change: Partial<ClientView>): ClientView => ({
    job: job({ state: 'Training' }),
    hasDataKey: true,
    workers: [account(1), account(2)],
    delivered: new Set(),
    evaluators: [],
    ...change,
  });

  test('hands each worker its data key once', () => {
    const actions = clientActions(view({ delivered: new Set([account(1)]) }));
    expect(actions).toEqual([{ type: 'deliverDataKey', worker: account(2) }]);
    expect(clientActions(view({ hasDataKey: false }))).toEqual([]);
  });

  test('hands each drawn evaluator its test key once, and publishes it only when no score can be committed', () => {
    const evaluators = [
      { account: account(3), evaluation },
      { account: account(4), evaluation: { ...evaluation, keyDelivered: true } },
    ];
    const during = (phase: Job['phase']) =>
      clientActions(view({ job: job({ state: 'Evaluating', phase, testKey: ZERO_HASH }), evaluators }));
    expect(during('Keys')).toEqual([{ type: 'deliverTestKey', evaluator: account(3) }]);
    expect(during('Draw')).toEqual([]);
    expect(during('Reveal')).toEqual([{ type: 'publishTestKey' }]);
  });

  test('counts as pending who committed and has not revealed', () => {
    const commitment = `0x${'01'.repeat(32)}` as const;
    const evaluations = [
      evaluation,
      { ...evaluation, commitment },
      { ...evaluation, commitment, revealed: true },
    ];
    expect(pendingReveals(evaluations)).toBe(1);
  });
});
