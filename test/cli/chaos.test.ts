import { expect, test } from 'vitest';
import { chaosSummary, mostDown, type Recovery } from '../../cli/devnet/chaos.ts';
import { fedai } from './run.ts';

test.each([
  ['worker', 3, 0.3, 1],
  ['worker', 10, 0.3, 3],
  ['evaluator', 5, 0.3, 1],
  ['evaluator', 5, 1, 5],
  ['validator', 4, 0.3, 1],
  ['validator', 4, 1, 1],
  ['validator', 7, 0.9, 2],
  ['validator', 1, 0.5, 0],
  ['worker', 3, 0, 0],
] as const)('of %s × %i at share %d at most %i are down at once', (role, count, share, most) => {
  expect(mostDown(role, count, share)).toBe(most);
});

test('the summary counts kills, and times of those that recovered', () => {
  const one = (role: Recovery['role'], recoverySeconds: number | null): Recovery => ({
    ...{ name: `${role}-0`, role, downSeconds: 1, recoverySeconds },
  });
  const recoveries = [one('worker', 5), one('worker', null), one('worker', 3), one('worker', 9)];
  const summary = chaosSummary([...recoveries, one('validator', 2)], { share: 0.3, seed: 1 });
  expect(summary).toEqual({
    share: 0.3,
    seed: 1,
    kills: 5,
    recoverySeconds: {
      validators: { count: 1, median: 2, most: 2 },
      workers: { count: 3, median: 5, most: 9 },
      evaluators: { count: 0, median: null, most: null },
      clients: { count: 0, median: null, most: null },
    },
  });
});

test.each([['1.5'], ['-1'], ['much'], ['']])('--chaos %j is refused', async (share) => {
  const { code, stderr } = await fedai(['devnet', '--chaos', share]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/from 0 to 1/);
});
