/**
 * The committed traces that can still matter, read from the chain a little at a time: the newest backwards at first, then
 * what is new. Owns no opinion on them.
 */
import type { Market } from './market.ts';
import type { WorkTrace } from './types.ts';

export interface LiveTrace extends WorkTrace {
  id: bigint;
}

export interface TraceFeed {
  /** Every trace committed within the last `horizon` blocks as of `height`, in chain order; each is read once. */
  at(height: number): Promise<readonly LiveTrace[]>;
}

/** Read in one look: an RPC that lies about their number must not hold its asker for ever. */
const MAX_READ = 512n;

export function createTraceFeed(
  market: Pick<Market, 'workTrace' | 'workTraceCount'>,
  horizon: number,
): TraceFeed {
  let live: LiveTrace[] = [];
  let next: bigint | undefined;
  const read = async (id: bigint): Promise<LiveTrace> => ({ id, ...(await market.workTrace(id)) });
  const newest = async (count: bigint, oldest: number): Promise<LiveTrace[]> => {
    const found: LiveTrace[] = [];
    for (let id = count - 1n; id >= 0n && count - id <= MAX_READ; id--) {
      const trace = await read(id);
      if (trace.height < oldest) break;
      found.unshift(trace);
    }
    return found;
  };
  return {
    async at(height) {
      const oldest = height - horizon;
      const count = await market.workTraceCount();
      if (next === undefined) {
        live = await newest(count, oldest);
        next = count;
      }
      for (const until = next + MAX_READ; next < count && next < until; next++) live.push(await read(next));
      live = live.filter((trace) => trace.height >= oldest);
      return live;
    },
  };
}
