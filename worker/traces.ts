/**
 * Traces of a worker's own training rounds: recorded while it trains, kept until no draw can ask for them, made anew when
 * they are asked for after a restart. What they prove is pouw's.
 */
import { equalBytes, FedaiError, fromHex, toHex } from '../core/index.ts';
import { encodeJob, encodeManifest, segmentPlan } from '../job/index.ts';
import {
  type Bundle,
  encodeBundle,
  type SegmentClaim,
  segmentBatches,
  statePath,
  type TraceClaim,
  traceClaim,
} from '../pouw/index.ts';
import type { Assignment } from './context.ts';
import { type TrainedShare, trainShare } from './share.ts';
import { openTrainer } from './trainer.ts';
import type { EncodedState } from './trainerTypes.ts';

export interface Trace {
  round: number;
  /** Encoded states at the borders of the segments, the first and the last among them; `undefined` when they are too large to keep. */
  states: readonly Uint8Array[] | undefined;
  /** Their roots, 32 bytes each. */
  roots: readonly Uint8Array[];
  claim: TraceClaim;
}

/** States kept for one trace; what is larger is trained again when it is drawn. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;

/** Trains the own share of a round from the agreed state and records its trace; hashing goes on beside training. */
export async function trainTraced(
  assignment: Assignment,
  round: number,
  agreed: EncodedState,
  signal: AbortSignal,
): Promise<{ share: TrainedShare; trace: Trace }> {
  const { hasher, job } = assignment;
  const isKept = (segmentPlan(job).segments + 1) * agreed.bytes.length <= MAX_KEPT_BYTES;
  const states = [agreed.bytes];
  const roots: Promise<Uint8Array>[] = [];
  const share = await trainShare(assignment, round, agreed.bytes, signal, (state) => {
    const root = hasher.rootOf(state);
    // It is waited for below; a thread that dies before must not end the process.
    root.catch(() => {});
    roots.push(root);
    if (isKept) states.push(state);
  });
  const all = [fromHex(agreed.stateRoot, 32), ...(await Promise.all(roots))];
  const trace = { round, states: isKept ? states : undefined, roots: all, claim: traceClaim(all) };
  return { share, trace };
}

/** The encoded bundle of one segment. Throws `NO_STATES` where the trace has none: train it again first. */
export async function makeBundle(
  { job, jobId, seed, slot, dataset }: Assignment,
  { round, states, roots }: Trace,
  segment: number,
): Promise<Uint8Array> {
  if (states === undefined)
    throw new FedaiError('NO_STATES', 'the states of this trace are not kept', { round });
  const place: Pick<SegmentClaim, 'jobId' | 'seed' | 'round' | 'slot' | 'segment'> = {
    jobId,
    seed: fromHex(seed, 32),
    round,
    slot,
    segment,
  };
  const indices = segmentBatches(job, place, dataset.count).flatMap((batch) => [...batch]);
  const bundle: Bundle = {
    document: encodeJob(job.document),
    manifest: encodeManifest(dataset.manifest),
    startState: states[segment]!,
    startPath: statePath(roots, segment),
    endRoot: roots[segment + 1]!,
    endPath: statePath(roots, segment + 1),
    firstPath: round === 0 ? statePath(roots, 0) : [],
    records: await dataset.prove([...new Set(indices)].sort((a, b) => a - b)),
  };
  return encodeBundle(bundle);
}

/**
 * A committed trace whose states this process does not have, trained again on an engine of its own so that the round under
 * way goes on. Throws `BAD_TRACE` when it comes to another root than was committed.
 */
export async function remakeTrace(
  assignment: Assignment,
  round: number,
  stateBefore: (assignment: Assignment) => Promise<EncodedState>,
  committed: Uint8Array,
  signal: AbortSignal,
): Promise<Trace> {
  const { job, seed, jobId } = assignment;
  const trainer = await openTrainer({ document: job.document, seed, jobId });
  try {
    const second = { ...assignment, trainer };
    const { trace } = await trainTraced(second, round, await stateBefore(second), signal);
    if (equalBytes(trace.claim.traceRoot, committed)) return trace;
    throw new FedaiError('BAD_TRACE', 'training again leads to another trace than was committed', {
      jobId,
      round,
      got: toHex(trace.claim.traceRoot),
      expected: toHex(committed),
    });
  } finally {
    await trainer.close();
  }
}
