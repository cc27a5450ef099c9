/** A small job with real data in a content store, trained segment by segment: what a worker of it holds. */
import { sha256, utf8 } from '../../core/index.ts';
import { createEngine, type Engine, encodeState, stateRoots, type TrainState } from '../../engine/index.ts';
import {
  encodeJob,
  encodeManifest,
  type Job,
  type JobDocument,
  parseJob,
  type ReplayLimits,
  segmentPlan,
  startingState,
} from '../../job/index.ts';
import { type Bundle, type SegmentClaim, segmentBatches, statePath, traceClaim } from '../../pouw/index.ts';
import { createMemoryStore, type Dataset, importDataset, openDataset } from '../../storage/index.ts';
import { toyModel, toyRecipe, toyRecords } from '../support/toy.ts';

/** Block that the job was posted in. */
export const POSTED_AT = 7;
export const LIMITS: ReplayLimits = { maxReplayGas: 2 ** 33, maxBundleBytes: 2 ** 25 };

export interface Share {
  engine: Engine;
  job: Job;
  dataset: Dataset;
  states: readonly TrainState[];
  /** Of the states. */
  roots: readonly Uint8Array[];
  /** The claim of a segment, as the chain would have it. */
  claim(segment: number): SegmentClaim;
  bundle(segment: number): Promise<Bundle>;
}

const SEED = sha256(utf8('a beacon'));
const JOB_ID = 3n;
const COIN = 10n ** 18n;

/** Where the share stands in the job; what is not given is that of a job of nobody. */
export interface Place {
  jobId?: bigint;
  seed?: Uint8Array;
  round?: number;
  slot?: number;
}

const documentOf = (manifest: string): JobDocument => ({
  format: 'fedai-job/1',
  name: 'toy',
  model: toyModel,
  recipe: toyRecipe,
  data: { train: { manifest, encrypted: false }, test: { manifest, encrypted: true } },
  training: { mode: 'federated', rounds: 3, stepsPerRound: 10, workers: 2, segments: 4 },
  evaluators: 3,
  targetScorePpm: 0,
  minimumBands: 0,
  roundTimeoutMs: 1_000,
  deadlines: {
    volunteerBlocks: 5,
    roundBlocks: 60,
    resultBlocks: 60,
    keyBlocks: 60,
    commitBlocks: 60,
    revealBlocks: 60,
  },
  reward: (50n * COIN).toString(),
  workerStake: (200n * COIN).toString(),
});

/** The job and its data, without any training. */
export async function toyJob(): Promise<{ job: Job; dataset: Dataset }> {
  const content = await createMemoryStore();
  const records = toyRecords(1_500, 'pouw');
  const imported = await importDataset(content, records, { name: 'toy', licence: 'CC0' });
  const dataset = await openDataset(content, imported.manifestCid);
  return { job: parseJob(documentOf(imported.manifestCid)), dataset };
}

/** A slot's share of a training round, trained from `from` (the job's first state when absent). */
export async function trainedShare(at: Place = {}, from?: TrainState): Promise<Share> {
  const { job, dataset } = await toyJob();
  const engine = await createEngine();
  const place = { jobId: JOB_ID, seed: SEED, round: 0, slot: 1, ...at };
  const first = from ?? startingState(engine, job, place);
  const states = [first];
  const { segments } = segmentPlan(job);
  const trainer = engine.trainer(job.model, job.recipe, first);
  for (let segment = 0; segment < segments; segment++) {
    for (const indices of segmentBatches(job, { ...place, segment }, dataset.count))
      trainer.step(await dataset.read(indices));
    states.push(trainer.export());
  }
  const roots = states.map((state) => stateRoots(job.model, state).stateRoot);
  const { traceRoot } = traceClaim(roots);
  const document = encodeJob(job.document);
  const claim = (segment: number): SegmentClaim => ({
    ...place,
    documentHash: sha256(document),
    postedAt: POSTED_AT,
    traceRoot,
    segments,
    segment,
  });
  return {
    engine,
    job,
    dataset,
    states,
    roots,
    claim,
    async bundle(segment) {
      const indices = segmentBatches(job, claim(segment), dataset.count).flatMap((batch) => [...batch]);
      return {
        document,
        manifest: encodeManifest(dataset.manifest),
        startState: encodeState(states[segment]!),
        startPath: statePath(roots, segment),
        endRoot: roots[segment + 1]!,
        endPath: statePath(roots, segment + 1),
        firstPath: place.round === 0 ? statePath(roots, 0) : [],
        records: await dataset.prove([...new Set(indices)].sort((a, b) => a - b)),
      };
    },
  };
}

/** Segment 1 of a trace whose state 2 is state 1 with the counter put forward: committed to as if it had been trained. */
export async function lazySegment({ job, states, claim, bundle }: Share) {
  const lazy = { ...states[1]!, counter: states[2]!.counter };
  const claimed = states.map((state, i) => (i === 2 ? lazy : state));
  const roots = claimed.map((state) => stateRoots(job.model, state).stateRoot);
  const paths = { startPath: statePath(roots, 1), endPath: statePath(roots, 2) };
  return {
    bundle: { ...(await bundle(1)), ...paths, endRoot: roots[2]!, firstPath: statePath(roots, 0) },
    claim: { ...claim(1), traceRoot: traceClaim(roots).traceRoot },
    roots,
  };
}
