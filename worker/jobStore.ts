/** What a worker keeps on disk of one job: the latest agreed states, and where its sequence numbers begin; each a file written whole. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { utf8 } from '../core/index.ts';
import { readFileIfPresent, writeFileAtomic } from '../storage/index.ts';

export interface JobStore {
  /** Keeps the state that round `round` came to, and the one before it. */
  save(round: number, state: Uint8Array): Promise<void>;
  /** State bytes of a round, unverified. */
  load(round: number): Promise<Uint8Array | undefined>;
  /**
   * Where the sequence numbers of this life begin: by the clock, in microseconds, and above those of every life before,
   * so that peers do not take a worker whose clock was set back for a replay.
   */
  firstSequence(nowMs: number): Promise<bigint>;
  /** Removes everything of the job. */
  clear(): Promise<void>;
}

const FILE = /^state-(\d+)\.bin$/;
/** The last but one stays: its round can be told to a worker that is one behind. */
const KEPT_ROUNDS = 2;

const SEQUENCES_PER_MS = 1_000n;
/** More messages than a worker says in one life. */
const SEQUENCES_OF_LIFE = 1_000_000n;

const readSequence = (bytes: Uint8Array | undefined): bigint => {
  const text = new TextDecoder().decode(bytes);
  return /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
};

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
    async firstSequence(nowMs) {
      const path = join(folder, 'sequence');
      const byClock = BigInt(nowMs) * SEQUENCES_PER_MS;
      const unused = readSequence(await readFileIfPresent(path)) + SEQUENCES_OF_LIFE;
      const first = byClock > unused ? byClock : unused;
      await writeFileAtomic(path, utf8(first.toString()));
      return first;
    },
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}
