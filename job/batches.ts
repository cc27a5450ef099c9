/**
 * Which samples a step uses. All workers of a job share one stream of samples without replacement: epoch after epoch,
 * each a fresh permutation; a slot's step takes the next batch, so the slots of a round work on disjoint slices.
 */
import { concatBytes, FedaiError, seededRandom, sha256, uintBytes, utf8 } from '../core/index.ts';

export interface BatchStream {
  /** The job's seed from the beacon (TrainingStarted). */
  readonly seed: Uint8Array;
  readonly jobId: bigint;
  /** Samples in the training set. */
  readonly count: number;
  readonly workers: number;
  readonly stepsPerRound: number;
  readonly batchSize: number;
}

export interface BatchPosition {
  /** Training round, from 0. */
  readonly round: number;
  readonly slot: number;
  /** Step within the round, from 0. */
  readonly step: number;
}

export type BatchPlan = (position: BatchPosition) => Uint32Array;

/** Sample at place i of an epoch is `permutation[i]`: Fisher–Yates seeded by SHA-256("fedai-batches/1" ‖ seed ‖ jobId u256be ‖ epoch u64be). */
function epochOrder(stream: BatchStream, epoch: number): Uint32Array {
  const seed = sha256(
    concatBytes(utf8('fedai-batches/1'), stream.seed, uintBytes(stream.jobId, 32), uintBytes(epoch, 8)),
  );
  const random = seededRandom(seed);
  const order = Uint32Array.from({ length: stream.count }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** A plan that remembers the two latest epochs' orders; a batch crosses at most one border unless the set is tiny. */
export function createBatchPlan(stream: BatchStream): BatchPlan {
  if (stream.count < 1)
    throw new FedaiError(
      'BAD_JOB',
      'training set is empty',
      {},
      { remedy: 'import a data set with samples' },
    );
  const orders = new Map<number, Uint32Array>();
  const orderOf = (epoch: number): Uint32Array => {
    const order = orders.get(epoch) ?? epochOrder(stream, epoch);
    orders.set(epoch, order);
    for (const key of orders.keys()) if (orders.size > 2 && key !== epoch) orders.delete(key);
    return order;
  };
  return ({ round, slot, step }) => {
    if (slot >= stream.workers || step >= stream.stepsPerRound) {
      throw new FedaiError('BAD_STEP', 'step is not part of the job', { round, slot, step });
    }
    const index = (round * stream.stepsPerRound + step) * stream.workers + slot;
    const start = index * stream.batchSize;
    return Uint32Array.from({ length: stream.batchSize }, (_, i) => {
      const place = start + i;
      return orderOf(Math.floor(place / stream.count))[place % stream.count]!;
    });
  };
}

/** One batch without keeping a plan. */
export const batchIndices = (input: BatchStream & BatchPosition): Uint32Array =>
  createBatchPlan(input)(input);
