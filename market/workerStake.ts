/** What a worker has to lock for a job, so that cheating on it is a loss: TrainingCourt refuses less. */
import type { Market } from './market.ts';
import type { JobPost } from './types.ts';

const BPS = 10_000n;

/** The post's stake, or more where its slots' pay asks for it. Wei. */
export async function workerStakeFor(
  market: Pick<Market, 'court' | 'parameters'>,
  {
    provable,
    fullAudit,
    workers,
    workerStake,
  }: Pick<JobPost, 'provable' | 'fullAudit' | 'workers' | 'workerStake'>,
  reward: bigint,
): Promise<bigint> {
  if (!provable || market.court === undefined) return workerStake;
  const { evaluatorsBps, burnBps, validatorsBps, ...terms } = await market.parameters();
  const auditorsBps = fullAudit ? terms.fullAuditBps : terms.auditorsBps;
  const part = (bps: number) => (reward * BigInt(bps)) / BPS;
  const pool = reward - part(evaluatorsBps) - part(burnBps) - part(validatorsBps) - part(auditorsBps);
  const slots = BigInt(workers);
  const least = await market.court.lockFor((pool + slots - 1n) / slots, fullAudit);
  return least > workerStake ? least : workerStake;
}
