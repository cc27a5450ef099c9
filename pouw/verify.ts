/**
 * Re-execution of one segment from a bundle: each thing that a proof of useful work claims, checked in order of cost.
 * Pure but for the engine that is handed in; nothing is fetched, nothing is believed.
 */
import {
  equalBytes,
  FedaiError,
  fromHex,
  isBlockOf,
  merkleLeaf,
  parseCid,
  sha256,
  verifyMerklePath,
} from '../core/index.ts';
import { decodeState, type Engine, momentsOf, stateRoots, type TrainState } from '../engine/index.ts';
import {
  type BatchPlan,
  checkDataFits,
  type DatasetManifest,
  decodeJob,
  decodeManifest,
  isProvable,
  type Job,
  jobBatches,
  type ReplayLimits,
  segmentPlan,
  segmentSteps,
  startingState,
} from '../job/index.ts';
import type { Bundle, OpenedRecord } from './bundle.ts';
import { replaySegment } from './segment.ts';
import { isStateOf } from './trace.ts';

/** What the chain says of the segment: the bundle must agree with all of it. */
export interface SegmentClaim {
  readonly jobId: bigint;
  /** The job's beacon seed and document hash, 32 bytes each. */
  readonly seed: Uint8Array;
  readonly documentHash: Uint8Array;
  /** Block that the job was posted in: its numeric format had to be in force. */
  readonly postedAt: number;
  readonly round: number;
  readonly slot: number;
  readonly traceRoot: Uint8Array;
  readonly segments: number;
  readonly segment: number;
}

/** In the order in which they are made. */
export const CHECKS = ['document', 'plan', 'manifest', 'start', 'records', 'end', 'replay'] as const;
export type CheckName = (typeof CHECKS)[number];

export type Verified = Proved | Refuted | Unfit;

/** The segment was executed again and leads to the committed state. */
export interface Proved {
  readonly ok: true;
  /** Weights root of the state that the segment ends with. */
  readonly modelHash: Uint8Array;
  readonly steps: number;
  readonly samples: number;
  /** What an honest auditor of the segment reveals: see `auditDigest`. */
  readonly auditDigest: Uint8Array;
}

/** The bundle is of the segment, but its steps lead elsewhere: the trace is wrong, if the reference kernel says so too. */
export interface Refuted {
  readonly ok: false;
  readonly check: 'replay';
  readonly reason: string;
  /** Of the true computation. */
  readonly auditDigest: Uint8Array;
}

/** Not a bundle of this segment: nothing is said of the trace. */
export interface Unfit {
  readonly ok: false;
  readonly check: Exclude<CheckName, 'replay'>;
  readonly reason: string;
}

export interface VerifyOptions {
  readonly limits: ReplayLimits;
  /** Told of each check as it passes. */
  readonly onCheck?: (check: CheckName) => void;
}

class Refusal extends Error {
  readonly check: Unfit['check'];
  constructor(check: Unfit['check'], reason: string) {
    super(reason);
    this.check = check;
  }
}

function demand(condition: boolean, check: Unfit['check'], reason: string): asserts condition {
  if (!condition) throw new Refusal(check, reason);
}

/** Never throws on a bad bundle: what is wrong with it is the verdict. */
export function verifyBundle(
  engine: Engine,
  bundle: Bundle,
  claim: SegmentClaim,
  options: VerifyOptions,
): Verified {
  let check = 'document' as CheckName;
  const passed = (done: CheckName): void => {
    options.onCheck?.(done);
    check = CHECKS[CHECKS.indexOf(done) + 1] ?? done;
  };
  try {
    const job = checkDocument(bundle, claim);
    passed('document');
    const manifest = checkPlan(job, bundle, claim, options.limits, passed);
    passed('manifest');
    const start = checkStart(engine, job, bundle, claim);
    passed('start');
    const batches = segmentBatches(job, claim, manifest.count);
    const records = checkRecords(job, manifest, bundle, batches);
    passed('records');
    const { segment } = claim;
    demand(
      isStateOf(claim, segment + 1, bundle.endRoot, bundle.endPath),
      'end',
      'end state is not of the trace',
    );
    passed('end');
    const { roots, ...replayed } = replaySegment(engine, job, start, records, batches);
    if (!equalBytes(roots.stateRoot, bundle.endRoot)) {
      const reason = 'the steps lead to another state';
      return { ok: false, check: 'replay', reason, auditDigest: replayed.auditDigest };
    }
    passed('replay');
    return { ok: true, modelHash: roots.weightsRoot, ...replayed };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, check: error.check, reason: error.message };
    // What passed every check before can be replayed: a fault in it would be ours, and no verdict.
    if (error instanceof FedaiError && check !== 'replay') return { ok: false, check, reason: error.message };
    throw error;
  }
}

function checkDocument({ document }: Bundle, claim: SegmentClaim): Job {
  demand(equalBytes(sha256(document), claim.documentHash), 'document', 'not the document of the job');
  return decodeJob(document);
}

/** The limits come before anything is computed from the document's figures. */
function checkPlan(
  job: Job,
  { manifest: bytes }: Bundle,
  claim: SegmentClaim,
  limits: ReplayLimits,
  passed: (check: CheckName) => void,
): DatasetManifest {
  const { rounds, workers } = job.document.training;
  const isPlanned = claim.round < rounds && claim.slot < workers && claim.segment < claim.segments;
  demand(isPlanned, 'plan', 'the segment is not part of the job');
  demand(segmentPlan(job).segments === claim.segments, 'plan', 'the document has another number of segments');
  const manifest = decodeManifest(bytes);
  demand(
    isProvable(job, manifest.count, limits, claim.postedAt),
    'plan',
    'the segment is beyond the limits of the chain',
  );
  passed('plan');
  const cid = parseCid(job.document.data.train.manifest);
  demand(isBlockOf(cid, bytes), 'manifest', 'not the manifest that the document names');
  checkDataFits(job, manifest);
  return manifest;
}

function checkStart(engine: Engine, job: Job, bundle: Bundle, claim: SegmentClaim): TrainState {
  const { round, segment } = claim;
  const state = decodeState(job.model, bundle.startState, momentsOf(job.recipe));
  const steps = round * job.document.training.stepsPerRound + segmentSteps(job, segment).first;
  demand(state.counter === steps, 'start', `start state has ${state.counter} steps, not ${steps}`);
  const { stateRoot } = stateRoots(job.model, state);
  demand(isStateOf(claim, segment, stateRoot, bundle.startPath), 'start', 'start state is not of the trace');
  if (round > 0) return state;
  const first = stateRoots(job.model, startingState(engine, job, claim)).stateRoot;
  demand(
    isStateOf(claim, 0, first, bundle.firstPath),
    'start',
    "the trace does not begin at the job's first state",
  );
  return state;
}

/** Exactly the records of the segment's batches, each proved to be of the data set. */
function checkRecords(
  job: Job,
  manifest: DatasetManifest,
  { records }: Bundle,
  batches: readonly Uint32Array[],
): Map<number, OpenedRecord> {
  const wanted = new Set(batches.flatMap((batch) => [...batch]));
  demand(records.length === wanted.size, 'records', `${records.length} records, not ${wanted.size}`);
  const root = fromHex(manifest.plaintextRoot);
  const opened = new Map<number, OpenedRecord>();
  for (const record of records) {
    const { index, bytes, path } = record;
    demand(wanted.has(index), 'records', `record ${index} is not of the segment`);
    demand(bytes.length === job.model.inputSize + 1, 'records', `record ${index} has the wrong length`);
    const isProved = verifyMerklePath(root, merkleLeaf(bytes), index, manifest.count, path);
    demand(isProved, 'records', `record ${index} is not of the data set`);
    // No kernel trains on such a record, so nobody can have trained the segment.
    const isTrainable = bytes[job.model.inputSize]! < job.model.classes;
    demand(isTrainable, 'records', `record ${index} has a label beyond the classes of the model`);
    opened.set(index, record);
  }
  return opened;
}

/** Indices of the records of each step of a segment, step after step. */
export function segmentBatches(
  job: Job,
  claim: Pick<SegmentClaim, 'jobId' | 'seed' | 'round' | 'slot' | 'segment'>,
  count: number,
): Uint32Array[] {
  const { round, slot, segment } = claim;
  const plan: BatchPlan = jobBatches(job, claim, count);
  const { first, count: steps } = segmentSteps(job, segment);
  return Array.from({ length: steps }, (_, i) => plan({ round, slot, step: first + i }));
}
