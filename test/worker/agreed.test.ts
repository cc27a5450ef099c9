import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Hex, sha256, silentLog, toHex, utf8 } from '../../core/index.ts';
import { createEngine, encodeState, stateRoots } from '../../engine/index.ts';
import { arrayData, type JobDocument, parseJob, replayJob } from '../../job/index.ts';
import type { EventOf } from '../../market/index.ts';
import { type ContentStore, createMemoryStore, importDataset, openDataset } from '../../storage/index.ts';
import { adopt } from '../../worker/agreed.ts';
import { bitmapOf } from '../../worker/bitmap.ts';
import type { Assignment, WorkerContext } from '../../worker/context.ts';
import { openHasher } from '../../worker/hasher.ts';
import { openJobStore } from '../../worker/jobStore.ts';
import { openTrainer } from '../../worker/trainer.ts';
import { toyModel, toyRecipe, toyRecords } from '../support/toy.ts';

const jobId = 3n;
const seed = toHex(sha256(utf8('seed')));
const contributors = [
  [0, 1, 2],
  [0, 2],
  [1, 2],
];
const records = toyRecords(240, 'train');
let directory: string;
let assignment: Assignment;
let states: { bytes: Uint8Array; event: EventOf<'RoundCommitted'> }[];

const hash: Hex = `0x${'00'.repeat(32)}`;
const events = () => states.map(({ event }) => event);

/** A worker that has nothing but the chain's events and this content. */
function contextWith(content: ContentStore): WorkerContext {
  const memory = new Map<Hex, Uint8Array>();
  return {
    market: {
      roundOf: async (_: bigint, round: number) => ({ fixedAt: round + 1 }),
      events: async ({ fromHeight }: { fromHeight: number }) => [events()[fromHeight - 1]!],
    },
    peer: { content },
    states: {
      held: (root: Hex) => memory.get(root),
      hold: (_: bigint, root: Hex, bytes: Uint8Array) => void memory.set(root, bytes),
    },
    log: silentLog,
    signal: new AbortController().signal,
  } as unknown as WorkerContext;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-agreed-'));
  const content = await createMemoryStore();
  const { manifestCid } = await importDataset(content, records, { name: 'toy', licence: 'CC0-1.0' });
  const blocks = 10;
  const document: JobDocument = {
    format: 'fedai-job/1',
    name: 'toy',
    model: toyModel,
    recipe: toyRecipe,
    data: {
      train: { manifest: manifestCid, encrypted: false },
      test: { manifest: manifestCid, encrypted: true },
    },
    training: { mode: 'federated', rounds: 3, stepsPerRound: 2, workers: 3 },
    evaluators: 3,
    targetScorePpm: 0,
    minimumBands: 0,
    roundTimeoutMs: 10_000,
    deadlines: {
      volunteerBlocks: blocks,
      roundBlocks: blocks,
      resultBlocks: blocks,
      keyBlocks: blocks,
      commitBlocks: blocks,
      revealBlocks: blocks,
    },
    reward: '1000000000000000000',
    workerStake: '10000000000000000000',
  };
  const job = parseJob(document);
  const trainer = await openTrainer({ document, seed, jobId, kernel: 'reference' });
  const dataset = await openDataset(content, manifestCid, {});
  const hasher = openHasher(document.model);
  assignment = { jobId, slot: 1, workers: [], seed, job, trainer, hasher, dataset };
  states = [];
  await replayJob({
    engine: await createEngine({ kernel: 'reference' }),
    job,
    data: arrayData(records.inputs, records.labels),
    seed: { seed: sha256(utf8('seed')), jobId },
    contributors,
    async onRound({ round, state }) {
      const bytes = encodeState(state);
      // Its id is known; its blocks are with nobody who is asked below.
      const stateCid = await content.putBytes(bytes);
      const stateRoot = toHex(stateRoots(job.model, state).stateRoot);
      const place = { jobId, height: round + 1, transactionHash: hash, loss: 0n };
      const slots = bitmapOf(contributors[round]!);
      const event = {
        name: 'RoundCommitted',
        ...place,
        round,
        stateRoot,
        stateCid,
        contributors: slots,
      } as const;
      states.push({ bytes, event });
    },
  });
}, 60_000);

afterAll(async () => {
  await Promise.all([assignment.trainer.close(), assignment.hasher.close()]);
  await rm(directory, { recursive: true, force: true });
});

const last = () => states.at(-1)!;
const { signal } = new AbortController();

test('a fixed state that nobody has is made anew, from the beginning if need be, and kept', async () => {
  const content = await createMemoryStore();
  const store = openJobStore(join(directory, 'nothing'), jobId);
  const agreed = await adopt(contextWith(content), assignment, store, last().event, signal, 0);
  expect(agreed).toMatchObject({ rounds: 3, state: { stateRoot: last().event.stateRoot } });
  expect(agreed.state.bytes).toEqual(last().bytes);
  expect(new Uint8Array((await store.load(2))!)).toEqual(last().bytes);
  expect(await content.hasLocal(last().event.stateCid)).toBe(true);
});

test('what is on disk is taken when it is the state, and not when it is damaged', async () => {
  const store = openJobStore(join(directory, 'damaged'), jobId);
  await store.save(1, states[1]!.bytes);
  await store.save(2, states[0]!.bytes);
  const content = await createMemoryStore();
  const agreed = await adopt(contextWith(content), assignment, store, last().event, signal, 0);
  expect(agreed.state.bytes).toEqual(last().bytes);
});

test('a round that is not the mean of its contributors is refused', async () => {
  const store = openJobStore(join(directory, 'lie'), jobId);
  const event = { ...last().event, contributors: bitmapOf([0, 1]) };
  const adopting = adopt(contextWith(await createMemoryStore()), assignment, store, event, signal, 0);
  await expect(adopting).rejects.toMatchObject({ code: 'BAD_STATE' });
});
