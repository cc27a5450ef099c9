import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson, FedaiError, sha256 } from '../../core/index.ts';
import { createEngine, type Engine, meanState, stateRoots } from '../../engine/index.ts';
import {
  allContributors,
  arrayData,
  batchIndices,
  createBatchPlan,
  decodeJob,
  demoModel,
  demoRecipe,
  demoTraining,
  encodeJob,
  type JobDocument,
  jobBatches,
  jobDocumentHash,
  parseJob,
  replayJob,
  startingState,
  trainRound,
} from '../../job/index.ts';
import { createNoise, sgd, smallModels } from '../engine/support.ts';

const cid = `b${'a'.repeat(58)}`;
const document = {
  format: 'fedai-job/1',
  name: 'small',
  model: smallModels['conv-pool'],
  recipe: sgd({ shifts: [4] }),
  data: { train: { manifest: cid, encrypted: false }, test: { manifest: cid, encrypted: true } },
  training: { mode: 'federated', rounds: 3, stepsPerRound: 2, workers: 3 },
  evaluators: 3,
  targetScorePpm: 0,
  minimumBands: 0,
  roundTimeoutMs: 10_000,
  deadlines: {
    volunteerBlocks: 5,
    roundBlocks: 5,
    resultBlocks: 5,
    keyBlocks: 5,
    commitBlocks: 5,
    revealBlocks: 5,
  },
  reward: '1000000000000000000',
  workerStake: '0',
} as JobDocument;
const seed = { seed: new Uint8Array(32).fill(9), jobId: 7n };

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const job = parseJob(document);
const noise = createNoise(77);
const data = arrayData(
  Uint8Array.from({ length: 30 * job.model.inputSize }, () => noise() & 255),
  Uint8Array.from({ length: 30 }, (_, i) => i % 3),
);

describe('job documents', () => {
  it('have one canonical form and hash', () => {
    const bytes = encodeJob(document);
    expect(decodeJob(bytes).document).toEqual(document);
    expect(jobDocumentHash(document)).toEqual(sha256(canonicalJson(document)));
    const spaced = new TextEncoder().encode(JSON.stringify(document));
    expect(() => decodeJob(spaced)).toThrow('canonical');
  });

  it.each([
    ['evaluators', 4],
    ['evaluators', 1],
    ['reward', '-1'],
    ['reward', '01'],
    ['reward', 5],
    ['workerStake', '1e18'],
    ['training', { mode: 'federated', rounds: 0, stepsPerRound: 2, workers: 3 }],
    ['training', { mode: 'competitive', rounds: 1, stepsPerRound: 2, workers: 3 }],
    [
      'data',
      { train: { manifest: '../../etc', encrypted: false }, test: { manifest: cid, encrypted: true } },
    ],
    ['data', { train: { manifest: cid, encrypted: false }, test: { manifest: cid, encrypted: false } }],
    ['extra', 1],
  ])('refuse %s = %j and name the field', (field, value) => {
    const attempt = () => parseJob({ ...document, [field]: value });
    expect(attempt).toThrow(expect.objectContaining({ code: 'BAD_JOB', remedy: expect.any(String) }));
    expect(attempt).toThrow(field);
  });

  it('fail only with coded errors on any bytes', () => {
    const keys = Object.keys(document);
    const mutated = fc
      .tuple(fc.constantFrom(...keys), fc.jsonValue())
      .map(([key, value]) => canonicalJson({ ...document, [key]: value }));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated), (bytes) => {
        try {
          decodeJob(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FedaiError);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('may ask for as many workers and evaluators as the contract takes', () => {
    const asking = (workers: number, evaluators: number) =>
      parseJob({ ...document, evaluators, training: { ...document.training, workers } });
    expect(asking(64, 15).document.evaluators).toBe(15);
    expect(() => asking(65, 3)).toThrow('training.workers');
    expect(() => asking(64, 17)).toThrow('evaluators');
  });

  it('describe the demo', () => {
    const demo = parseJob({ ...document, model: demoModel, recipe: demoRecipe, training: demoTraining });
    expect(demo.model.classes).toBe(10);
    expect(demo.model.inputSize).toBe(784);
  });
});

describe('batches', () => {
  const stream = { ...seed, count: 100, workers: 3, stepsPerRound: 4, batchSize: 4 };

  it('use every sample once an epoch, disjoint between slots', () => {
    const plan = createBatchPlan(stream);
    const seen: number[] = [];
    for (let round = 0; round < 3; round++)
      for (let step = 0; step < 4; step++)
        for (let slot = 0; slot < 3; slot++) seen.push(...plan({ round, slot, step }));
    expect(new Set(seen.slice(0, 100)).size).toBe(100);
    expect(Math.max(...seen)).toBe(99);
  });

  it('are the same for everyone and differ by seed, job and epoch', () => {
    const at = { round: 1, slot: 2, step: 3 };
    expect(batchIndices({ ...stream, ...at })).toEqual(createBatchPlan(stream)(at));
    expect(batchIndices({ ...stream, ...at, jobId: 8n })).not.toEqual(batchIndices({ ...stream, ...at }));
    expect(batchIndices({ ...stream, ...at, round: 26 })).not.toEqual(batchIndices({ ...stream, ...at }));
    expect(() => batchIndices({ ...stream, ...at, slot: 3 })).toThrow(FedaiError);
    expect(() => createBatchPlan({ ...stream, count: 0 })).toThrow('empty');
  });

  it('serve sets smaller than a batch', () => {
    const indices = batchIndices({ ...stream, count: 3, batchSize: 16, round: 2, slot: 1, step: 0 });
    expect(indices.length).toBe(16);
    expect(new Set(indices)).toEqual(new Set([0, 1, 2]));
  });
});

describe('replay', () => {
  const run = async (kernel: Engine, contributors = allContributors(job)) =>
    stateRoots(job.model, await replayJob({ engine: kernel, job, data, seed, contributors })).stateRoot;

  it('gives the same state on every kernel, and another without a contributor', async () => {
    const root = await run(engine);
    expect(await run(engine)).toEqual(root);
    expect(await run(await createEngine({ kernel: 'reference' }))).toEqual(root);
    expect(
      await run(engine, [
        [0, 1, 2],
        [2, 0],
        [0, 1, 2],
      ]),
    ).not.toEqual(root);
    expect(
      await run(engine, [
        [2, 1, 0],
        [0, 1, 2],
        [1, 0, 2],
      ]),
    ).toEqual(root);
    await expect(run(engine, [[]])).rejects.toThrow('contributors');
  });

  it('equals workers that train apart and average', async () => {
    const batches = jobBatches(job, seed, data.count);
    let state = startingState(engine, job, seed);
    for (let round = 0; round < 3; round++) {
      const start = state;
      const shares = await Promise.all(
        [0, 1, 2].map((slot) =>
          trainRound({
            trainer: engine.trainer(job.model, job.recipe, start),
            batches,
            data,
            round,
            slot,
            stepsPerRound: 2,
          }),
        ),
      );
      state = meanState(shares.map((share) => share.state));
    }
    expect(stateRoots(job.model, state).stateRoot).toEqual(await run(engine));
    expect(state.counter).toBe(6);
  });

  it('stops between steps when aborted', async () => {
    const trainer = engine.trainer(job.model, job.recipe, startingState(engine, job, seed));
    const stop = new AbortController();
    const share = {
      trainer,
      batches: jobBatches(job, seed, data.count),
      data,
      round: 0,
      slot: 0,
      stepsPerRound: 2,
      signal: stop.signal,
    };
    await expect(trainRound({ ...share, onStep: () => stop.abort() })).rejects.toThrow('abort');
  });
});
