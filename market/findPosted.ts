/** Looks for a job that a client has on chain already, so that it is not paid for twice. */
import type { Hex } from '../core/index.ts';
import type { MarketReads } from './reads.ts';
import { isFinal, type Job } from './types.ts';

/** How far back an unsettled job of the same document is looked for. */
const LATEST_JOBS = 32n;

/** The latest job of this client and document that runs. */
export async function unsettledJobOf(
  market: Pick<MarketReads, 'job' | 'jobCount'>,
  client: Hex,
  documentHash: Hex,
): Promise<Job | undefined> {
  const last = await market.jobCount();
  for (let id = last; id > 0n && id > last - LATEST_JOBS; id--) {
    const job = await market.job(id);
    const isSame =
      job.client.toLowerCase() === client.toLowerCase() && job.post.documentHash === documentHash;
    if (isSame && !isFinal(job.state)) return job;
  }
  return undefined;
}
