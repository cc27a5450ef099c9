/** What a drawn evaluator has to do now: a pure function of the chain's view and of what it has on disk. */
import { type Evaluation, type Job, ZERO_HASH } from '../market/index.ts';

export interface EvaluatorView {
  job: Job;
  /** Own part in the present draw. */
  evaluation: Evaluation;
  /** Whether score and salt of the present draw are on disk. */
  hasRecord: boolean;
  /** Whether the commitment on chain is the one of that record. */
  commitmentIsOwn: boolean;
}

/** `recover`: find again what was committed to, since the record of it is lost. */
export type EvaluatorAction = 'assess' | 'commit' | 'reveal' | 'recover' | 'wait';

/** Score and salt are on disk before `commit`: a restart reveals what was committed, or nothing else is committed. */
export function evaluatorAction({
  job,
  evaluation,
  hasRecord,
  commitmentIsOwn,
}: EvaluatorView): EvaluatorAction {
  if (job.state !== 'Evaluating') return 'wait';
  if (job.phase !== 'Keys' && job.phase !== 'Commit' && job.phase !== 'Reveal') return 'wait';
  if (!evaluation.keyDelivered || evaluation.revealed) return 'wait';
  const committed = evaluation.commitment !== ZERO_HASH;
  if (committed && !(hasRecord && commitmentIsOwn)) return 'recover';
  if (job.phase === 'Reveal') return committed ? 'reveal' : 'wait';
  if (committed) return 'wait';
  return hasRecord ? 'commit' : 'assess';
}

/** Least time to complain and be mined. */
const LEAST_LAST_CALL_BLOCKS = 8;

/** First height of the last third of the time to commit. */
function lastCallAt(job: Job): number {
  return job.deadline - Math.max(LEAST_LAST_CALL_BLOCKS, Math.ceil(job.post.deadlines.commitBlocks / 3));
}

const isCommitting = (job: Job): boolean => job.state === 'Evaluating' && job.phase === 'Commit';

/**
 * Whether the last third of the time to commit runs: what is not to be had by now will hardly come, and silence is
 * slashed, whoever withholds. `height` is the latest.
 */
export const isLastCall = (job: Job, height: number): boolean =>
  isCommitting(job) && height >= lastCallAt(job);

/**
 * Whether an attempt that began at height `since` has to stop fetching: at the last call, or, begun after it, at half
 * of what was left. The rest is for the transaction that says that nothing was to be had.
 */
export function fetchingIsOver(job: Job, since: number, height: number): boolean {
  if (!isCommitting(job)) return false;
  const lastCall = lastCallAt(job);
  return height >= (since < lastCall ? lastCall : since + Math.floor((job.deadline - since) / 2));
}
