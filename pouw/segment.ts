/** The steps of one segment, executed again, with what an auditor must have seen on the way. */
import { concatBytes, sha256, uintBytes, utf8 } from '../core/index.ts';
import { type Engine, type StateRoots, stateRoots, type TrainState } from '../engine/index.ts';
import type { Job } from '../job/index.ts';
import type { OpenedRecord } from './bundle.ts';

export interface ReplayedSegment {
  /** Of the state that the segment ends with. */
  readonly roots: StateRoots;
  readonly steps: number;
  readonly samples: number;
  readonly auditDigest: Uint8Array;
}

const AUDIT_DOMAIN = utf8('fedai-audit/1');
const LOSS_BYTES = 8;

/**
 * SHA-256("fedai-audit/1" ‖ state root after half of the steps, rounded down ‖ the loss of each step as i64be). No worker
 * publishes these, so only who executes the segment knows them.
 */
export const auditDigest = (middleRoot: Uint8Array, lossesQ16: readonly number[]): Uint8Array =>
  sha256(concatBytes(AUDIT_DOMAIN, middleRoot, ...lossesQ16.map(signedBytes)));

const signedBytes = (value: number): Uint8Array =>
  uintBytes(BigInt.asUintN(8 * LOSS_BYTES, BigInt(value)), LOSS_BYTES);

/** `records` has every record that `batches` name. */
export function replaySegment(
  engine: Engine,
  job: Job,
  start: TrainState,
  records: ReadonlyMap<number, OpenedRecord>,
  batches: readonly Uint32Array[],
): ReplayedSegment {
  const { inputSize } = job.model;
  const trainer = engine.trainer(job.model, job.recipe, start);
  const half = Math.floor(batches.length / 2);
  const losses: number[] = [];
  let middle: Uint8Array | undefined;
  for (const [step, indices] of batches.entries()) {
    if (step === half) middle = stateRoots(job.model, trainer.export()).stateRoot;
    const batch = {
      inputs: new Uint8Array(indices.length * inputSize),
      labels: new Uint8Array(indices.length),
    };
    indices.forEach((index, i) => {
      const { bytes } = records.get(index)!;
      batch.inputs.set(bytes.subarray(0, inputSize), i * inputSize);
      batch.labels[i] = bytes[inputSize]!;
    });
    losses.push(trainer.step(batch));
  }
  const end = trainer.export();
  return {
    roots: stateRoots(job.model, end),
    steps: batches.length,
    samples: batches.reduce((sum, { length }) => sum + length, 0),
    auditDigest: auditDigest(middle ?? stateRoots(job.model, start).stateRoot, losses),
  };
}
