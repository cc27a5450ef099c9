/** What a job's client has to do now: a pure function of what the chain shows. */
import type { Hex } from '../core/index.ts';
import { type Evaluation, type Job, ZERO_HASH } from './types.ts';

export interface ClientView {
  job: Job;
  /** Whether the training data is encrypted and the client has its key. */
  hasDataKey: boolean;
  workers: readonly Hex[];
  /** Workers that have their data key. */
  delivered: ReadonlySet<Hex>;
  evaluators: readonly { account: Hex; evaluation: Evaluation }[];
}

export type ClientAction =
  | { type: 'deliverDataKey'; worker: Hex }
  | { type: 'deliverTestKey'; evaluator: Hex }
  | { type: 'publishTestKey' };

/** Actions in no particular order; empty when it is others' turn. */
export function clientActions(view: ClientView): ClientAction[] {
  const { job } = view;
  switch (job.state) {
    case 'Training':
      if (!view.hasDataKey) return [];
      return view.workers
        .filter((worker) => !view.delivered.has(worker))
        .map((worker) => ({ type: 'deliverDataKey', worker }));
    case 'Evaluating':
      if (job.phase === 'Keys' || job.phase === 'Commit') {
        return view.evaluators
          .filter(({ evaluation }) => !evaluation.keyDelivered)
          .map(({ account }) => ({ type: 'deliverTestKey', evaluator: account }));
      }
      return job.phase === 'Reveal' && job.testKey === ZERO_HASH ? [{ type: 'publishTestKey' }] : [];
    case 'Completed':
      return job.testKey === ZERO_HASH ? [{ type: 'publishTestKey' }] : [];
    default:
      return [];
  }
}

/** Drawn evaluators that committed and have not revealed. */
export const pendingReveals = (evaluations: readonly Evaluation[]): number =>
  evaluations.filter(({ commitment, revealed }) => commitment !== ZERO_HASH && !revealed).length;
