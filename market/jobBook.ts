/** The jobs that are not settled yet, read afresh when asked. What a daemon has to remember is one number. */
import type { MarketReads } from './reads.ts';
import { isFinal, type Job } from './types.ts';

export interface JobBook {
  /** Every job that was unsettled at the last call or is new, in id order; a settled one appears one last time. */
  refresh(): Promise<Job[]>;
  /** All jobs below this id are settled: where to go on after a restart. */
  readonly firstUnsettled: bigint;
}

export function createJobBook(market: Pick<MarketReads, 'job' | 'jobCount'>, firstUnsettled = 1n): JobBook {
  const open = new Set<bigint>();
  let nextId = firstUnsettled;
  return {
    async refresh() {
      const count = await market.jobCount();
      for (; nextId <= count; nextId++) open.add(nextId);
      const jobs = await Promise.all([...open].map((id) => market.job(id)));
      for (const job of jobs) if (isFinal(job.state)) open.delete(job.id);
      return jobs;
    },
    get firstUnsettled() {
      return open.values().next().value ?? nextId;
    },
  };
}
