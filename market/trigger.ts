/** Triggers transitions that anyone may make, in turns, so that interested parties rarely collide. A lost race is harmless. */
import { FedaiError, type Log } from '../core/index.ts';
import { dueTransition, type Transition } from './due.ts';
import type { Job } from './types.ts';
import type { MarketWrites } from './writes.ts';

export interface TriggerInput {
  job: Job;
  height: number;
  /** Drawn evaluators that committed and have not revealed. */
  pending: number;
  /** Blocks left to others first. */
  turn: number;
}

export type Trigger = (input: TriggerInput) => Promise<Transition | undefined>;

/** Resolves with the transition that this call made, if any. */
export function createTrigger(market: Pick<MarketWrites, Transition>, log: Log): Trigger {
  const dueSince = new Map<string, number>();
  return async ({ job, height, pending, turn }) => {
    const transition = dueTransition(job, height, { pending });
    if (transition === null) return undefined;
    const step = `${job.id}/${transition}/${job.phase}/${job.attempt}`;
    const since = dueSince.get(step) ?? height;
    dueSince.set(step, since);
    if (height - since < turn) return undefined;
    try {
      await market[transition](job.id);
      log.info('moved the job on', { jobId: job.id, transition });
      return transition;
    } catch (error) {
      if (!(error instanceof FedaiError && error.code === 'REVERTED')) throw error;
      log.debug('the job is not ready or has moved on already', { jobId: job.id, transition, error });
      return undefined;
    }
  };
}
