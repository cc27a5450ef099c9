/** What the next block may open: the drawn segments as the contracts have them, with all that a bundle is checked against. */
import { Interface } from 'ethers';
import { jobManagerAbi, usefulWorkAbi } from '../../contracts/generated/index.ts';
import { FedaiError, fromHex, type Hex } from '../../core/index.ts';
import type { SegmentClaim } from '../../pouw/index.ts';
import type { ChainApplication } from '../application.ts';

export interface Opening {
  readonly drawHeight: number;
  readonly rank: number;
  readonly traceId: bigint;
  /** 20 bytes. */
  readonly worker: Uint8Array;
  readonly totalWeight: bigint;
  readonly claim: SegmentClaim;
}

interface RankRow {
  readonly traceId: bigint;
  readonly segment: bigint;
  readonly opener: string;
  readonly trace: {
    readonly worker: string;
    readonly jobId: bigint;
    readonly round: bigint;
    readonly slot: bigint;
    readonly segments: bigint;
    readonly root: string;
  };
}

interface DrawRow {
  readonly height: bigint;
  readonly totalWeight: bigint;
  readonly settled: boolean;
  readonly ranks: readonly RankRow[];
}

const usefulWork = new Interface(usefulWorkAbi);
const jobManager = new Interface(jobManagerAbi);
/** Reads of a few records each. */
const READ_GAS = 30_000_000n;
const NOBODY: Hex = `0x${'00'.repeat(20)}`;
const ZERO_ADDRESS = NOBODY;

/** Unopened ranks that a block on the present head may open, best first; none where the chain has no useful work. */
export async function readOpenings(application: ChainApplication): Promise<Opening[]> {
  const contract = application.spec.contracts.usefulWork;
  if (contract === undefined) return [];
  const [upcoming] = (await read(application, contract, usefulWork, 'upcomingDraw', [])) as [DrawRow];
  const draw = upcoming.ranks.length > 0 ? upcoming : await presentDraw(application, contract);
  if (draw === undefined) return [];
  const openings: Opening[] = [];
  for (const [rank, row] of draw.ranks.entries()) {
    if (row.opener !== ZERO_ADDRESS) continue;
    openings.push(await openingOf(application, draw, rank, row));
  }
  return openings;
}

/** Undefined when the next block is a work height: its draw takes the place of the present one. */
async function presentDraw(application: ChainApplication, contract: Hex): Promise<DrawRow | undefined> {
  const everyBlocks = application.spec.work?.everyBlocks;
  if (everyBlocks === undefined || (application.head.height + 1) % everyBlocks === 0) return undefined;
  const [height] = (await read(application, contract, usefulWork, 'openHeight', [])) as [bigint];
  if (height === 0n) return undefined;
  const [draw] = (await read(application, contract, usefulWork, 'drawOf', [height])) as [DrawRow];
  return draw;
}

async function openingOf(
  application: ChainApplication,
  draw: DrawRow,
  rank: number,
  { traceId, segment, trace }: RankRow,
): Promise<Opening> {
  const { jobId } = trace;
  const [job] = (await read(application, application.spec.contracts.jobManager, jobManager, 'job', [
    jobId,
  ])) as [{ seed: string; post: { documentHash: string } }];
  return {
    drawHeight: Number(draw.height),
    rank,
    traceId,
    worker: fromHex(trace.worker, 20),
    totalWeight: draw.totalWeight,
    claim: {
      jobId,
      seed: fromHex(job.seed, 32),
      documentHash: fromHex(job.post.documentHash, 32),
      round: Number(trace.round),
      slot: Number(trace.slot),
      traceRoot: fromHex(trace.root, 32),
      segments: Number(trace.segments),
      segment: Number(segment),
    },
  };
}

/** A view on the head's state. Throws `WORK_UNREADABLE` when a contract does not answer. */
async function read(
  { execution, headHeader }: ChainApplication,
  to: Hex,
  contract: Interface,
  method: string,
  args: readonly unknown[],
): Promise<readonly unknown[]> {
  const data = fromHex(contract.encodeFunctionData(method, args));
  const request = { from: NOBODY, to, data, value: 0n, gasLimit: READ_GAS, gasPrice: 0n };
  const { failure, output } = await execution.call(headHeader, request);
  if (failure !== undefined)
    throw new FedaiError('WORK_UNREADABLE', 'a contract does not tell its draw', { method, failure });
  return contract.decodeFunctionResult(method, output);
}
