import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRecord, type ScoreRecord, saveRecord } from '../../evaluator/record.ts';

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
  await writeFile(join(directory, 'scores', 'job-3-draw-1.json'), '{"salt":"0x12"}');
  await expect(loadRecord(directory, 3n, 1)).rejects.toMatchObject({ code: 'BAD_RECORD' });
});
