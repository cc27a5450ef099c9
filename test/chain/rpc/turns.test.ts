import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns } from '../../../chain/rpc/turns.ts';

test('a call whose turn comes too late is refused without being run, and those behind it are served', async () => {
  let now = 0;
  const turns = createTurns(() => now);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let ran = 0;
  const slow = turns(() => gate);
  await setImmediate();
  const late = Array.from({ length: 20 }, () => turns(async () => void ran++));
  now = 10_001;
  const inTime = turns(async () => 'answer');
  now = 12_000;
  open();
  await slow;
  for (const call of late) await expect(call).rejects.toMatchObject({ code: 'RPC_FAULT' });
  expect(await inTime).toBe('answer');
  expect(ran).toBe(0);
});
