import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRecord, type ScoreRecord, saveRecord } from '../../evaluator/record.ts';
import { saltOf } from '../../evaluator/salt.ts';

const hash = (byte: string) => `0x${byte.repeat(32)}` as const;
const record: ScoreRecord = {
  score: { correct: 9, total: 10, outputsRoot: hash('aa'), modelHash: hash('bb'), verdict: 1 },
  salt: hash('cc'),
  testKey: hash('dd'),
};
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-record-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('a record is read back by job and draw, and leaves nothing half-written beside it', async () => {
  await saveRecord(directory, 3n, 1, record);
  expect(await loadRecord(directory, 3n, 1)).toEqual(record);
  expect(await loadRecord(directory, 3n, 2)).toBeUndefined();
  expect(await readdir(join(directory, 'scores'))).toEqual(['job-3-draw-1.json']);
});

test('a damaged record is named, never guessed at', async () => {
  await saveRecord(directory, 3n, 1, record);
  for (const damage of ['{"salt":"0x12"}', '{"sal', '', 'x'.repeat(10_000)]) {
    await writeFile(join(directory, 'scores', 'job-3-draw-1.json'), damage);
    await expect(loadRecord(directory, 3n, 1)).rejects.toMatchObject({ code: 'BAD_RECORD' });
  }
});

test('a salt is the same again from the same key, and another for each draw, job, contract and key', () => {
  const key = new Uint8Array(32).fill(7);
  const domain = { chainId: 31_337n, jobManager: '0x1111111111111111111111111111111111111111' as const };
  const other = { chainId: 31_338n, jobManager: domain.jobManager };
  const salts = [
    saltOf(key, domain, 3n, 1),
    saltOf(key, domain, 3n, 2),
    saltOf(key, domain, 4n, 1),
    saltOf(key, other, 3n, 1),
    saltOf(new Uint8Array(32).fill(8), domain, 3n, 1),
  ];
  expect(new Set(salts).size).toBe(salts.length);
  expect(saltOf(key, domain, 3n, 1)).toBe(salts[0]);
});
