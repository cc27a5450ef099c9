import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openJobStore } from '../../worker/jobStore.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-jobs-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('the states of the last two rounds stay, until the job is cleared', async () => {
  const store = openJobStore(directory, 7n);
  for (let round = 0; round < 4; round++) await store.save(round, Uint8Array.of(round));
  expect(await store.load(1)).toBeUndefined();
  expect([...(await openJobStore(directory, 7n).load(2))!]).toEqual([2]);
  expect([...(await openJobStore(directory, 7n).load(3))!]).toEqual([3]);
  await store.clear();
  expect(await store.load(3)).toBeUndefined();
});

test('sequence numbers go up from life to life, whatever the clock does and whatever is on disk', async () => {
  const start = (nowMs: number) => openJobStore(directory, 7n).firstSequence(nowMs);
  const first = await start(2_000_000);
  expect(first).toBe(2_000_000_000n);
  const back = await start(1_000_000);
  expect(back).toBeGreaterThan(first);
  expect(await start(3_000_000)).toBe(3_000_000_000n);
  await writeFile(join(directory, 'jobs', '7', 'sequence'), 'x');
  expect(await start(4_000_000)).toBe(4_000_000_000n);
});
