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

export type EvaluatorAction = 'assess' | 'commit' | 'reveal' | 'wait';

/** Score and salt are on disk before `commit`: a restart reveals what was committed, or nothing else is committed. */
export function evaluatorAction({
  job,
  evaluation,
  hasRecord,
  commitmentIsOwn,
}: EvaluatorView): EvaluatorAction {
  if (job.state !== 'Evaluating') return 'wait';
  switch (job.phase) {
    case 'Keys':
    case 'Commit':
      if (!evaluation.keyDelivered || evaluation.commitment !== ZERO_HASH) return 'wait';
      return hasRecord ? 'commit' : 'assess';
    case 'Reveal':
      return hasRecord && commitmentIsOwn && !evaluation.revealed ? 'reveal' : 'wait';
    default:
      return 'wait';
  }
}

/** Two failing fetches fit into the end of a short window. */
const LEAST_LAST_CALL_BLOCKS = 8;

/**
 * Whether the last third of the time to commit runs: what is not to be had by now will hardly come, and silence is
 * slashed, whoever withholds. `height` is the latest.
 */
export function isLastCall(job: Job, height: number): boolean {
  if (job.state !== 'Evaluating' || job.phase !== 'Commit') return false;
  const window = Math.max(LEAST_LAST_CALL_BLOCKS, Math.ceil(job.post.deadlines.commitBlocks / 3));
  return job.deadline - height <= window;
}
