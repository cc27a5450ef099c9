/** The jobs that are not settled yet, kept fresh by their events. What a daemon has to remember is one number. */
import type { MarketReads } from './reads.ts';
import { isFinal, type Job } from './types.ts';

export interface JobBook {
  /** Every job that was unsettled at the last call or is new, as of `height`, in id order; a settled one appears one last time. */
  refresh(height: number): Promise<Job[]>;
  /** All jobs below this id are settled: where to go on after a restart. */
  readonly firstUnsettled: bigint;
}

type Source = Pick<MarketReads, 'job' | 'jobCount' | 'events'>;

interface Shelf {
  jobs: Map<bigint, Job>;
  nextId: bigint;
  /** Height as of which `jobs` is; −1 before the first call. */
  height: number;
}

export function createJobBook(market: Source, firstUnsettled = 1n): JobBook {
  const shelf: Shelf = { jobs: new Map(), nextId: firstUnsettled, height: -1 };
  return {
    async refresh(height) {
      const stale = shelf.height < 0 ? await allIds(market, shelf) : await changedIds(market, shelf, height);
      const fresh = await Promise.all([...stale].map((id) => market.job(id)));
      for (const job of fresh) shelf.jobs.set(job.id, job);
      shelf.height = height;
      const jobs = [...shelf.jobs.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      for (const job of jobs) {
        if (shelf.nextId <= job.id) shelf.nextId = job.id + 1n;
        if (isFinal(job.state)) shelf.jobs.delete(job.id);
      }
      return jobs;
    },
    get firstUnsettled() {
      let least = shelf.nextId;
      for (const id of shelf.jobs.keys()) if (id < least) least = id;
      return least;
    },
  };
}

async function allIds(market: Source, shelf: Shelf): Promise<Set<bigint>> {
  const count = await market.jobCount();
  const ids = new Set<bigint>();
  for (let id = shelf.nextId; id <= count; id++) ids.add(id);
  return ids;
}

/** Jobs with events since the last call, new ones among them, and those whose waiting step is over by height alone. */
async function changedIds(market: Source, shelf: Shelf, height: number): Promise<Set<bigint>> {
  const ids = new Set<bigint>();
  if (height > shelf.height) {
    for (const { jobId } of await market.events({ fromHeight: shelf.height + 1, toHeight: height })) {
      if (shelf.jobs.has(jobId) || jobId >= shelf.nextId) ids.add(jobId);
    }
  }
  for (const job of shelf.jobs.values()) if (height >= job.deadline) ids.add(job.id);
  return ids;
}
