/** The end of training: the model file, its claimed accuracy, and the transaction that submits it. */
import { isRevert } from '../market/index.ts';
import type { AgreedState } from './agreed.ts';
import type { Assignment, WorkerContext } from './context.ts';
import type { Finished } from './trainerTypes.ts';

export interface Result extends Finished {
  modelCid: string;
  claimedPpm: number;
}

/** The claim is a hint for readers, not a score: a first sample of the training set tells enough. */
const CLAIM_SAMPLES = 1_000;
const PPM = 1_000_000;

/** Writes the model file into the content store and pins it; every worker of the job makes the same. */
export async function makeResult(
  { peer }: WorkerContext,
  { trainer, dataset }: Assignment,
  agreed: AgreedState,
): Promise<Result> {
  const finished = await trainer.finish(agreed.state.bytes);
  const modelCid = await peer.content.putBytes(finished.file);
  await peer.content.pin(modelCid);
  const count = Math.min(CLAIM_SAMPLES, dataset.count);
  const { inputs, labels } = await dataset.read(Array.from({ length: count }, (_, i) => i));
  const correct = await trainer.score(agreed.state.bytes, inputs, labels);
  return { ...finished, modelCid, claimedPpm: Math.floor((correct * PPM) / count) };
}

/** Resolves false when another worker was quicker. */
export async function submitResult(
  { market }: WorkerContext,
  { jobId }: Assignment,
  result: Result,
): Promise<boolean> {
  const { weightsRoot, optimiserRoot, counter, modelCid, claimedPpm } = result;
  try {
    const claim = { weightsRoot, optimiserRoot, counter: BigInt(counter), modelCid, claimedPpm };
    await market.submitResult(jobId, claim);
    return true;
  } catch (error) {
    if (isRevert(error, 'JobManagerWrongState')) return false;
    throw error;
  }
}
