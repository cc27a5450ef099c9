/** What a worker has to lock for a job, so that cheating on it is a loss: TrainingCourt refuses less. */
import type { Market } from './market.ts';
import type { JobPost, Parameters } from './types.ts';

const BPS = 10_000n;

/**
 * Basis points of an escrow that go to auditors, as in contracts/libraries/Settlement.sol: one segment is audited, and the
 * fewer of them a round has the longer each is.
 */
export function auditorsPart(
  {
    auditorsBps,
    fullAuditBps,
    feeSegments,
  }: Pick<Parameters, 'auditorsBps' | 'fullAuditBps' | 'feeSegments'>,
  { provable, fullAudit, segments }: Pick<JobPost, 'provable' | 'fullAudit' | 'segments'>,
): number {
  if (fullAudit) return fullAuditBps;
  if (!provable || segments >= feeSegments) return auditorsBps;
  return Math.min(fullAuditBps, Math.floor((auditorsBps * feeSegments) / segments));
}

/** The post's stake, or more where its slots' pay asks for it. Wei. */
export async function workerStakeFor(
  market: Pick<Market, 'court' | 'parameters'>,
  {
    provable,
    fullAudit,
    segments,
    workers,
    workerStake,
  }: Pick<JobPost, 'provable' | 'fullAudit' | 'segments' | 'workers' | 'workerStake'>,
  reward: bigint,
): Promise<bigint> {
  if (!provable || market.court === undefined) return workerStake;
  const { evaluatorsBps, burnBps, validatorsBps, ...terms } = await market.parameters();
  const auditorsBps = auditorsPart(terms, { provable, fullAudit, segments });
  const part = (bps: number) => (reward * BigInt(bps)) / BPS;
  const pool = reward - part(evaluatorsBps) - part(burnBps) - part(validatorsBps) - part(auditorsBps);
  const slots = BigInt(workers);
  const least = await market.court.lockFor((pool + slots - 1n) / slots, fullAudit);
  return least > workerStake ? least : workerStake;
}
