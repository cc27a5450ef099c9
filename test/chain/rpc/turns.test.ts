import { expect, test } from 'vitest';
import { createTurns } from '../../../chain/rpc/turns.ts';

test('calls whose turn comes too late are refused without being run, and those behind them are served', async () => {
  let now = 0;
  let ran = 0;
  const turns = createTurns(() => now);
  const late = Array.from({ length: 20 }, () => turns(async () => void ran++));
  now = 10_001;
  const inTime = turns(async () => 'answer');
  for (const call of late) await expect(call).rejects.toMatchObject({ code: 'RPC_FAULT' });
  expect(await inTime).toBe('answer');
  expect(ran).toBe(0);
});
