/** What the next block may open: the drawn segments as the contracts have them, with all that a bundle is checked against. */
import { fromHex } from '../../core/index.ts';
import type { SegmentClaim } from '../../pouw/index.ts';
import type { ChainApplication } from '../application.ts';
import { askJob, askWork, type DrawRow, FATES, type RankRow, ZERO_ADDRESS } from './contracts.ts';
import type { Target } from './target.ts';

export interface Opening extends Target {
  readonly drawHeight: number;
  readonly rank: number;
  readonly traceId: bigint;
  /** 20 bytes. */
  readonly worker: Uint8Array;
  readonly totalWeight: bigint;
}

const FAULTY = BigInt(FATES.indexOf('faulty'));

/** Unopened ranks that a block on the present head may open, best first; none where the chain has no useful work. */
export async function readOpenings(application: ChainApplication): Promise<Opening[]> {
  const draw = await nextDraw(application);
  const openings: Opening[] = [];
  // What the court found faulty earns nobody anything.
  for (const [rank, row] of (draw?.ranks ?? []).entries())
    if (row.opener === ZERO_ADDRESS && row.trace.fate !== FAULTY)
      openings.push(await openingOf(application, draw!, rank, row));
  return openings;
}

/** The draw that counts in the next block: at a work height a new one takes the place of the present one. */
async function nextDraw(application: ChainApplication): Promise<DrawRow | undefined> {
  const { work } = application.spec;
  if (work === undefined) return undefined;
  if ((application.head.height + 1) % work.everyBlocks === 0)
    return await askWork(application, 'upcomingDraw');
  const height = await askWork(application, 'openHeight');
  return height === undefined || height === 0n ? undefined : await askWork(application, 'drawOf', height);
}

async function openingOf(
  application: ChainApplication,
  draw: DrawRow,
  rank: number,
  row: RankRow,
): Promise<Opening> {
  return {
    key: `work/${draw.height}/${rank}`,
    isCase: false,
    drawHeight: Number(draw.height),
    rank,
    traceId: row.traceId,
    worker: fromHex(row.trace.worker, 20),
    totalWeight: draw.totalWeight,
    claim: await claimOf(application, row),
    parties: [row.trace.worker],
  };
}

/** What the segment of a rank is checked against. */
export async function claimOf(
  application: ChainApplication,
  { segment, trace }: Pick<RankRow, 'segment' | 'trace'>,
): Promise<SegmentClaim> {
  const { jobId } = trace;
  return {
    jobId,
    ...(await askJob(application, jobId)),
    round: Number(trace.round),
    slot: Number(trace.slot),
    traceRoot: fromHex(trace.root, 32),
    segments: Number(trace.segments),
    segment: Number(segment),
  };
}
