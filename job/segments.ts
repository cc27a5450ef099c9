/**
 * How a slot's share of a training round is cut into segments, and what replaying one of them costs. Everything follows
 * from the job's document and the size of its data set: a worker has no choice in it. See docs/protocol/useful-work.md.
 */
import { isFastModel, momentsOf, stateLength } from '../engine/index.ts';
import { stepCost } from './cost.ts';
import { JOB_LIMITS, type Job } from './document.ts';
import { type FormatHeights, isFormatActive } from './formats.ts';

export interface SegmentPlan {
  /** Segments of a slot's share of a training round: the trace has one state more. */
  readonly segments: number;
  /** Steps of every segment but the last, which takes what is left. */
  readonly steps: number;
}

/** Limits of one replay, from the chain spec. */
export interface ReplayLimits {
  readonly maxReplayGas: number;
  readonly maxBundleBytes: number;
  /** From which block on jobs may use a numeric format. */
  readonly formats?: FormatHeights | undefined;
}

/** A tenth of a second on a core: shorter segments would spend their time on hashing and paths. */
const AIMED_MACS = 2 ** 30;
/** Hashing a state at every border then costs less than 2 % of training: SHA-256 takes 4 ns a byte on an old core, the kernel 0.1 ns a MAC. */
const MACS_PER_STATE_BYTE = 2_000;

export function segmentPlan(job: Job): SegmentPlan {
  const { stepsPerRound, segments } = job.document.training;
  const least = Math.ceil(stepsPerRound / (segments ?? JOB_LIMITS.segments));
  const steps = segments === undefined ? Math.min(stepsPerRound, Math.max(least, aimedSteps(job))) : least;
  return { steps, segments: Math.ceil(stepsPerRound / steps) };
}

function aimedSteps({ model, recipe }: Job): number {
  const macs = Math.max(AIMED_MACS, MACS_PER_STATE_BYTE * stateLength(model, momentsOf(recipe)));
  return Math.ceil(macs / Math.max(1, stepCost(model, recipe).macs));
}

/** First step of segment `index` within the training round, and its number of steps. */
export function segmentSteps(job: Job, index: number): { first: number; count: number } {
  const { steps } = segmentPlan(job);
  const first = index * steps;
  return { first, count: Math.min(steps, job.document.training.stepsPerRound - first) };
}

/** Prices of replay gas. One unit is about a tenth of a nanosecond of one core with the WebAssembly kernel. */
const GAS = {
  mac: 1,
  /** Of a state or of records: decoded, hashed, compared. */
  byte: 80,
  /** Set-up of a kernel's call, whatever its size. */
  call: 100_000,
  /** An activation, a pool, a softmax: not vectorised everywhere. */
  element: 80,
  /** Of the data set: its order in an epoch is drawn anew. */
  record: 6_000,
} as const;

/** Convolutions in groups run in the reference, a hundred times as slow. Graphs take 0.4 to 0.8 of what these prices say. */
const REFERENCE_SLOWNESS = 100;
const slowness = ({ model }: Job): number => (isFastModel(model) ? 1 : REFERENCE_SLOWNESS);

/** Hashes beside a record: a path in a tree of 2^22 records. */
const PATH_BYTES = 22 * 32;
/** Documents, manifest, roots and paths of states. */
const BUNDLE_OVERHEAD_BYTES = 256 * 1024;

/** Gas of replaying the longest segment of the job over a data set of `records`. */
export function replayGas(job: Job, records: number): number {
  const { steps } = segmentPlan(job);
  const cost = stepCost(job.model, job.recipe);
  const samples = steps * job.recipe.batchSize;
  return (
    steps * slowness(job) * (cost.macs * GAS.mac + cost.elements * GAS.element + cost.calls * GAS.call) +
    (3 * stateLength(job.model, momentsOf(job.recipe)) + samples * recordBytes(job)) * GAS.byte +
    records * GAS.record
  );
}

/** An upper bound of the bytes of any bundle of the job, its manifest apart. */
export function bundleBytes(job: Job): number {
  const { steps } = segmentPlan(job);
  return (
    BUNDLE_OVERHEAD_BYTES +
    stateLength(job.model, momentsOf(job.recipe)) +
    steps * job.recipe.batchSize * recordBytes(job)
  );
}

const recordBytes = ({ model }: Job): number => model.inputSize + 1 + PATH_BYTES;

/**
 * Whether segments of this job can be opened and replayed by validators: within the limits of the chain, and its
 * training data open, or opened by its client's leave, and its numeric format in force when it was posted. Others are
 * quality-attested: they have weight 0.
 */
export function isProvable(job: Job, records: number, limits: ReplayLimits, postedAt: number): boolean {
  const { encrypted, mayOpen } = job.document.data.train;
  return (
    (!encrypted || mayOpen === true) &&
    isFormatActive(job, limits.formats, postedAt) &&
    replayGas(job, records) <= limits.maxReplayGas &&
    bundleBytes(job) <= limits.maxBundleBytes
  );
}
