/** What a worker keeps on disk of one job: the latest agreed states, each a file written whole. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfPresent, writeFileAtomic } from '../storage/index.ts';

export interface JobStore {
  /** Keeps the state that round `round` came to, and the one before it. */
  save(round: number, state: Uint8Array): Promise<void>;
  /** State bytes of a round, unverified. */
  load(round: number): Promise<Uint8Array | undefined>;
  /** Removes everything of the job. */
  clear(): Promise<void>;
}

const FILE = /^state-(\d+)\.bin$/;
/** The last but one stays: its round can be told to a worker that is one behind. */
const KEPT_ROUNDS = 2;

export function openJobStore(dataDir: string, jobId: bigint): JobStore {
  const folder = join(dataDir, 'jobs', jobId.toString());
  const pathOf = (round: number): string => join(folder, `state-${round}.bin`);
  return {
    async save(round, state) {
      await writeFileAtomic(pathOf(round), state);
      for (const name of await readdir(folder)) {
        const stored = FILE.exec(name)?.[1];
        if (stored !== undefined && Number(stored) <= round - KEPT_ROUNDS) await rm(join(folder, name));
      }
    },
    load: (round) => readFileIfPresent(pathOf(round)),
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}
