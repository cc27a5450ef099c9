import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { initialState, reduce, type Update } from '../../cli/devnet/state.ts';
import { curve, renderView } from '../../cli/devnet/view.ts';

const ACCOUNT = `0x${'Ab'.repeat(20)}`;
const updates: Update[] = [
  { type: 'phase', text: 'training …' },
  { type: 'process', name: 'validator-0', state: 'running' },
  { type: 'process', name: 'worker-0', state: 'starting' },
  { type: 'chain', status: { height: 12, finalityMs: 431.4, peers: 9 } },
  { type: 'rounds', rounds: 4 },
  { type: 'job', event: { event: 'job', name: 'JobPosted', id: '1' } },
  { type: 'job', event: { event: 'job', name: 'TrainingStarted', id: '1' } },
  { type: 'job', event: { event: 'job', name: 'RoundCommitted', id: '1', round: 0, loss: 2.3 } },
  { type: 'job', event: { event: 'job', name: 'RoundCommitted', id: '1', round: 1, loss: 0.4 } },
  { type: 'accuracy', value: 0.913 },
  { type: 'worker', name: 'worker-0', progress: { samplesPerSecond: 1234.5, round: 1 } },
  {
    type: 'job',
    event: { event: 'job', name: 'Credited', id: '1', account: ACCOUNT, amount: '1500000000000000000' },
  },
  { type: 'line', text: 'something happened' },
];

describe('the live view', () => {
  const state = updates.reduce(reduce, initialState);

  it('shows chain, job, curves, speed and payouts', () => {
    const view = stripVTControlCharacters(
      renderView(state, { names: { [ACCOUNT.toLowerCase()]: 'worker-0' } }, 120),
    );
    for (const part of [
      'height 12  final in 431 ms  9 peers',
      '1 running, 1 starting',
      'training round 2/4',
      '2.300 → 0.400',
      '91.3 %',
      '1235 samples/s in training round 2',
      'worker-0 1.5',
      'something happened',
    ]) {
      expect(view).toContain(part);
    }
  });

  it('fits the terminal', () => {
    for (const width of [1, 20, 80]) {
      const lines = stripVTControlCharacters(renderView(state, { names: {} }, width)).split('\n');
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  it('draws a curve between its lowest and highest value', () => {
    expect(stripVTControlCharacters(curve([0, 0.5, 1], String))).toBe('▁▅█  0 → 1');
    expect(stripVTControlCharacters(curve([2, 2], String))).toBe('▁▁  2 → 2');
  });
});
