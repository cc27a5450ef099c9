/** Jobs as lists and pages show them, read from the contracts. */
import type { Hex } from '../../core/index.ts';
import { isFinal, type Job, type Market, type MarketEvent } from '../../market/index.ts';
import { openMarket } from '../node/node.ts';

export interface JobRow {
  job: Job;
  workers: Hex[];
}

/** Jobs that are over stay as they are. */
const over = new Map<bigint, Job>();
/** Some kilobytes each. */
const MOST_KEPT = 2_000;

async function readJob(market: Market, id: bigint): Promise<Job> {
  const known = over.get(id);
  if (known !== undefined) return known;
  const job = await market.job(id);
  if (isFinal(job.state) && over.size < MOST_KEPT) over.set(id, job);
  return job;
}

/** Jobs of one page, newest first. `before`: ids below it only. */
export async function jobRows({ newest, before }: { newest: number; before?: bigint }): Promise<Job[]> {
  const market = await openMarket();
  const top = before ?? (await market.jobCount()) + 1n;
  const ids = Array.from({ length: newest }, (_, i) => top - 1n - BigInt(i)).filter((id) => id > 0n);
  return Promise.all(ids.map((id) => readJob(market, id)));
}

export interface JobPage {
  rows: Job[];
  /** Ids below it were not looked at; 1 when there are no more. */
  next: bigint;
  count: bigint;
}

/** Jobs looked at for one page of few that pass: who wants to see more asks for the next page. */
const MOST_LOOKED_AT = 500;

/** Jobs that pass, newest first, `size` of them where there are as many. */
export async function jobPage(
  passes: (job: Job) => boolean,
  size: number,
  before?: bigint,
): Promise<JobPage> {
  const count = await (await openMarket()).jobCount();
  let next = before ?? count + 1n;
  const rows: Job[] = [];
  for (let looked = 0; looked < MOST_LOOKED_AT && next > 1n && rows.length < size; looked += size) {
    for (const job of await jobRows({ newest: size, before: next })) {
      if (rows.length === size) break;
      if (passes(job)) rows.push(job);
      next = job.id;
    }
  }
  return { rows, next, count };
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
    jobEvents(market, job, height),
  ]);
  return { job, height, workers, evaluators, events };
}

/** Blocks of one question; a chain node takes five times as many. */
const WINDOW = 20_000;
/** Beyond what any job takes: the last event of one that is over ends the search. */
const MOST_WINDOWS = 10;
const found = new Map<bigint, { events: MarketEvent[]; to: number; isWhole: boolean }>();

/** All events of a job; a second look asks for new blocks alone, and for none once the job is settled. */
async function jobEvents(market: Market, { id, postedAt }: Job, height: number): Promise<MarketEvent[]> {
  const known = found.get(id) ?? { events: [], to: postedAt - 1, isWhole: false };
  let { events, to, isWhole } = known;
  for (let windows = 0; !isWhole && to < height && windows < MOST_WINDOWS; windows++) {
    const toHeight = Math.min(height, to + WINDOW);
    const more = await market.events({ fromHeight: to + 1, toHeight, jobId: id });
    events = [...events, ...more];
    to = toHeight;
    isWhole = more.some(({ name }) => name === 'JobSettled' || name === 'JobCancelled');
  }
  // Another look may have gone on meanwhile.
  if ((found.get(id)?.to ?? -1) < to || isWhole) found.set(id, { events, to, isWhole });
  return events;
}

export const eventsNamed = <Name extends MarketEvent['name']>(
  events: readonly MarketEvent[],
  name: Name,
): Extract<MarketEvent, { name: Name }>[] =>
  events.filter((event): event is Extract<MarketEvent, { name: Name }> => event.name === name);

/** Losses travel as nats × 2^16. */
export const lossOf = (loss: bigint): number => Number(loss) / 65_536;
