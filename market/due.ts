/** Which transition of a job anyone may trigger now, and who should do it first. Pure rules; the contract decides. */
import { bytesToBigInt, concatBytes, fromHex, type Hex, keccak256, uintBytes } from '../core/index.ts';
import type { Job } from './types.ts';

export type Transition = 'closeAssignment' | 'drawEvaluators' | 'completeJob' | 'expireJob';

/**
 * The transition that a transaction in the block after `height` may make, or null. `pending` is how many drawn
 * evaluators have neither revealed nor missed the time to commit.
 */
export function dueTransition(job: Job, height: number, evaluation: { pending: number }): Transition | null {
  const past = (last: number): boolean => height >= last;
  // As long as a draw may void a trace, nothing is paid.
  const isClear = past(job.accrued.clearAt);
  switch (job.state) {
    case 'Open':
      return past(job.drawHeight) ? 'closeAssignment' : null;
    case 'Training':
      return past(job.deadline) && isClear ? 'expireJob' : null;
    case 'Evaluating':
      return dueInEvaluation(job, past, isClear, evaluation.pending);
    default:
      return null;
  }
}

function dueInEvaluation(
  job: Job,
  past: (last: number) => boolean,
  isClear: boolean,
  pending: number,
): Transition | null {
  switch (job.phase) {
    case 'Draw':
      if (past(job.deadline) && job.deadline > job.drawHeight) return isClear ? 'expireJob' : null;
      return past(job.drawHeight) ? 'drawEvaluators' : null;
    case 'Reveal':
      return isClear && (pending === 0 || past(job.deadline)) ? 'completeJob' : null;
    default:
      return isClear && past(job.deadline) ? 'expireJob' : null;
  }
}

/**
 * Blocks that `account` leaves to others before it triggers a due transition itself: accounts take turns in an order
 * that differs by job and step, so that one transaction is the rule and a dead caller delays by a block or two.
 */
export function turnOf(jobId: bigint, step: string, account: Hex, interested: readonly Hex[]): number {
  const weight = (address: Hex): bigint =>
    bytesToBigInt(
      keccak256(concatBytes(uintBytes(jobId, 32), new TextEncoder().encode(step), fromHex(address))),
    );
  const own = weight(account);
  return interested.filter((address) => address !== account && weight(address) < own).length;
}
