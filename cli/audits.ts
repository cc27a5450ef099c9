/** Audits of traces, read from the chain. */
import type { Audit, Court, Market } from '../market/index.ts';

export interface TraceAudit {
  traceId: bigint;
  jobId: bigint;
  round: number;
  worker: string;
  audit: Audit;
}

/** In the order of commitment; none on a chain without a court. */
export async function jobAudits(market: Market, jobId: bigint): Promise<TraceAudit[]> {
  const { court } = market;
  if (court === undefined) return [];
  const { postedAt, post } = await market.job(jobId);
  if (!post.provable) return [];
  const names = ['TraceCommitted'] as const;
  const audits: TraceAudit[] = [];
  for (const event of await market.events({ fromHeight: postedAt, jobId, names })) {
    if (event.name !== 'TraceCommitted') continue;
    const { traceId, round, worker } = event;
    audits.push({ traceId, jobId, round, worker, audit: await court.auditOf(traceId) });
  }
  return audits;
}

/** The latest traces, newest first. */
export async function latestAudits(market: Market, court: Court, limit: number): Promise<TraceAudit[]> {
  const audits: TraceAudit[] = [];
  const count = await market.workTraceCount();
  for (let traceId = count - 1n; traceId >= 0n && audits.length < limit; traceId--) {
    const { jobId, round, worker } = await market.workTrace(traceId);
    audits.push({ traceId, jobId, round, worker, audit: await court.auditOf(traceId) });
  }
  return audits;
}

/** How many of a job's traces auditors have confirmed. */
export async function acceptedAudits(market: Market, jobId: bigint): Promise<number> {
  return (await jobAudits(market, jobId)).filter(({ audit }) => audit.state === 'Accepted').length;
}
