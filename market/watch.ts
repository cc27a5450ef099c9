/** Follows one job: every event once, in chain order, until it is settled. */
import { type Log, silentLog } from '../core/index.ts';
import type { MarketEvent } from './events.ts';
import { followHeights } from './follow.ts';
import type { Market } from './market.ts';
import { isFinal, type Job } from './types.ts';

export interface WatchOptions {
  onEvent: (event: MarketEvent) => void;
  signal: AbortSignal;
  pollMs?: number;
  log?: Log;
}

const DEFAULT_POLL_MS = 500;

/** Resolves with the settled job, or the job as it stood when the signal aborted. Throws `REVERTED` for an unknown id. */
export async function watchJob(market: Market, jobId: bigint, options: WatchOptions): Promise<Job> {
  let job = await market.job(jobId);
  let nextHeight = job.postedAt;
  const settled = new AbortController();
  const onHeight = async (height: number): Promise<void> => {
    const events = await market.events({ fromHeight: nextHeight, toHeight: height, jobId });
    nextHeight = height + 1;
    for (const event of events) options.onEvent(event);
    if (events.length > 0) job = await market.job(jobId);
    if (isFinal(job.state)) settled.abort();
  };
  await followHeights(market, onHeight, {
    pollMs: options.pollMs ?? DEFAULT_POLL_MS,
    log: options.log ?? silentLog,
    signal: AbortSignal.any([options.signal, settled.signal]),
  });
  return job;
}
