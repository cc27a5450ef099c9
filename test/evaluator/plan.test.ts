import { describe, expect, test } from 'vitest';
import { type EvaluatorView, evaluatorAction, fetchingIsOver, isLastCall } from '../../evaluator/plan.ts';
import type { Evaluation, Job, Phase } from '../../market/index.ts';
import { ZERO_HASH } from '../../market/index.ts';

const idle: Evaluation = {
  keyDelivered: false,
  revealed: false,
  commitment: ZERO_HASH,
  score: { correct: 0, total: 0, outputsRoot: ZERO_HASH, modelHash: ZERO_HASH, verdict: 0 },
};
const committed: Evaluation = { ...idle, keyDelivered: true, commitment: `0x${'11'.repeat(32)}` };

function action(phase: Phase, change: Partial<EvaluatorView>): string {
  const job = { state: 'Evaluating', phase } as Job;
  return evaluatorAction({ job, evaluation: idle, hasRecord: false, commitmentIsOwn: false, ...change });
}

describe('a drawn evaluator', () => {
  test('waits for its key, then assesses without waiting for the others’ keys', () => {
    expect(action('Keys', {})).toBe('wait');
    expect(action('Keys', { evaluation: { ...idle, keyDelivered: true } })).toBe('assess');
  });

  test('commits the score on disk after a restart instead of a second one', () => {
    const evaluation = { ...idle, keyDelivered: true };
    expect(action('Commit', { evaluation, hasRecord: true })).toBe('commit');
  });

  test('reveals once, and only what it committed', () => {
    expect(action('Commit', { evaluation: committed, hasRecord: true, commitmentIsOwn: true })).toBe('wait');
    expect(action('Reveal', { evaluation: committed, hasRecord: true, commitmentIsOwn: true })).toBe(
      'reveal',
    );
    const revealed = { ...committed, revealed: true };
    expect(action('Reveal', { evaluation: revealed, hasRecord: true, commitmentIsOwn: true })).toBe('wait');
  });

  test('looks for what it committed when the record of it is lost or another', () => {
    for (const phase of ['Keys', 'Commit', 'Reveal'] as const) {
      expect(action(phase, { evaluation: committed })).toBe('recover');
      expect(action(phase, { evaluation: committed, hasRecord: true })).toBe('recover');
    }
    expect(action('Reveal', {})).toBe('wait');
    expect(action('Reveal', { evaluation: { ...committed, revealed: true } })).toBe('wait');
  });

  test('does nothing in a draw or outside an evaluation', () => {
    expect(action('Draw', { hasRecord: true, commitmentIsOwn: true })).toBe('wait');
    const job = { state: 'Training', phase: 'None' } as Job;
    const view = { job, evaluation: idle, hasRecord: false, commitmentIsOwn: false };
    expect(evaluatorAction(view)).toBe('wait');
  });
});

describe('the last call', () => {
  const at = (phase: Phase, height: number, commitBlocks = 90) =>
    isLastCall(
      { state: 'Evaluating', phase, deadline: 190, post: { deadlines: { commitBlocks } } } as Job,
      height,
    );

  test('is the last third of the time to commit', () => {
    expect(at('Commit', 159)).toBe(false);
    expect(at('Commit', 160)).toBe(true);
    expect(at('Keys', 189)).toBe(false);
    expect(at('Reveal', 191)).toBe(false);
  });

  test('leaves time enough where the window is short', () => {
    expect(at('Commit', 181, 10)).toBe(false);
    expect(at('Commit', 182, 10)).toBe(true);
  });
});

describe('what an attempt fetches', () => {
  const over = (phase: Phase, since: number, height: number) =>
    fetchingIsOver(
      { state: 'Evaluating', phase, deadline: 190, post: { deadlines: { commitBlocks: 90 } } } as Job,
      since,
      height,
    );

  test('is cut short at the last call, whenever the attempt began', () => {
    expect(over('Keys', 10, 189)).toBe(false);
    expect(over('Commit', 101, 159)).toBe(false);
    expect(over('Commit', 101, 160)).toBe(true);
    expect(over('Commit', 159, 160)).toBe(true);
  });

  test('has half of what is left when the attempt began after it', () => {
    expect(over('Commit', 160, 174)).toBe(false);
    expect(over('Commit', 160, 175)).toBe(true);
    expect(over('Commit', 186, 187)).toBe(false);
    expect(over('Commit', 186, 188)).toBe(true);
  });
});
