/** What an evaluator must not lose between committing and revealing, one file a draw, on disk before the commitment is sent. */
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson, FedaiError, type Hex, parseJson } from '../core/index.ts';
import type { Score } from '../market/index.ts';
import { readFileIfPresent, writeFileAtomic } from '../storage/index.ts';

export interface ScoreRecord {
  score: Score;
  /** 32 bytes that nobody else can guess: keeps the score secret until it is revealed. */
  salt: Hex;
  /** The test key, so that the set can be opened and published after a restart; absent when it was bad. */
  testKey?: Hex | undefined;
}

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const recordSchema = z.strictObject({
  score: z.strictObject({
    correct: z.int().min(0),
    total: z.int().min(0),
    outputsRoot: hash,
    modelHash: hash,
    verdict: z.int().min(1).max(3),
  }),
  salt: hash,
  testKey: hash.optional(),
});
const MAX_RECORD_BYTES = 4_096;

const pathOf = (dataDir: string, jobId: bigint, attempt: number): string =>
  join(dataDir, 'scores', `job-${jobId}-draw-${attempt}.json`);

export async function saveRecord(
  dataDir: string,
  jobId: bigint,
  attempt: number,
  record: ScoreRecord,
): Promise<void> {
  const { score, salt, testKey } = record;
  const plain = testKey === undefined ? { score, salt } : { score, salt, testKey };
  await writeFileAtomic(pathOf(dataDir, jobId, attempt), canonicalJson(plain));
}

/** Undefined when nothing was saved; throws `BAD_RECORD` on a file that is no record. */
export async function loadRecord(
  dataDir: string,
  jobId: bigint,
  attempt: number,
): Promise<ScoreRecord | undefined> {
  const path = pathOf(dataDir, jobId, attempt);
  const bytes = await readFileIfPresent(path);
  if (bytes === undefined) return undefined;
  try {
    return recordSchema.parse(parseJson(bytes, MAX_RECORD_BYTES)) as ScoreRecord;
  } catch (cause) {
    throw new FedaiError(
      'BAD_RECORD',
      'a saved score is damaged',
      { path },
      { cause, remedy: 'nothing: it is scored again, and what was committed is found again by its salt' },
    );
  }
}
