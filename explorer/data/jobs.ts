/** Jobs as lists and pages show them, read from the contracts. */
import type { Hex } from '../../core/index.ts';
import type { Job, MarketEvent } from '../../market/index.ts';
import { openMarket } from '../node/node.ts';

export interface JobRow {
  job: Job;
  workers: Hex[];
}

/** Jobs of one page, newest first. `before`: ids below it only. */
export async function jobRows({ newest, before }: { newest: number; before?: bigint }): Promise<Job[]> {
  const market = await openMarket();
  const top = before ?? (await market.jobCount()) + 1n;
  const ids = Array.from({ length: newest }, (_, i) => top - 1n - BigInt(i)).filter((id) => id > 0n);
  return Promise.all(ids.map((id) => market.job(id)));
}

/** Everything that a job's page tells of it, from one moment. */
export interface JobView {
  job: Job;
  height: number;
  workers: Hex[];
  evaluators: Hex[];
  events: MarketEvent[];
}

export async function jobView(id: bigint, height: number): Promise<JobView> {
  const market = await openMarket();
  const job = await market.job(id);
  const [workers, evaluators, events] = await Promise.all([
    market.workersOf(id),
    market.evaluatorsOf(id),
    market.events({ fromHeight: job.postedAt, toHeight: Math.max(height, job.postedAt), jobId: id }),
  ]);
  return { job, height, workers, evaluators, events };
}

export const eventsNamed = <Name extends MarketEvent['name']>(
  events: readonly MarketEvent[],
  name: Name,
): Extract<MarketEvent, { name: Name }>[] =>
  events.filter((event): event is Extract<MarketEvent, { name: Name }> => event.name === name);

/** Losses travel as nats × 2^16. */
export const lossOf = (loss: bigint): number => Number(loss) / 65_536;
