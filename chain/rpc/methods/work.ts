/** Proofs of useful work: what was drawn, what a block opened, what a trace came to. */
import { type Hex, toHex } from '../../../core/index.ts';
import type { ChainApplication } from '../../application.ts';
import { askWork, claimOf, type DrawRow, FATES, type TraceRow, ZERO_ADDRESS } from '../../work/index.ts';
import { invalidParams } from '../faults.ts';
import { quantity } from '../format.ts';
import { readHeight } from '../params.ts';
import type { MethodGroup } from '../types.ts';
import { formatWork } from '../useful-work.ts';

export const workMethods: MethodGroup = ({ application }) => ({
  fedai_getWorkDraw: async ([height]) => {
    const draw = await askWork(application, 'drawOf', BigInt(plainHeight(application, height)));
    return draw === undefined || draw.ranks.length === 0 ? null : formatDraw(draw);
  },
  fedai_getWorkProof: ([height]) => workProof(application, plainHeight(application, height)),
  fedai_getTrace: async ([id]) => {
    const traceId = traceNumber(id);
    const count = (await askWork(application, 'traceCount')) ?? 0n;
    if (traceId >= count) return null;
    const trace = await askWork(application, 'traceOf', traceId);
    return trace === undefined ? null : formatTrace(traceId, trace);
  },
});

/** Plain numbers too: these methods are called by hand. */
function plainHeight(application: ChainApplication, value: unknown): number {
  if (typeof value !== 'number') return readHeight(application, value);
  if (!Number.isSafeInteger(value) || value < 0) throw invalidParams('height: expected a whole number');
  return value;
}

function traceNumber(value: unknown): bigint {
  const isNumber = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  if (!isNumber && !(typeof value === 'string' && /^0x[0-9a-f]{1,16}$/i.test(value)))
    throw invalidParams('trace id: expected a whole number');
  return BigInt(value as number | string);
}

/** Everything that re-executing a block's proof takes, apart from the bundle; null for a block without one. */
async function workProof(application: ChainApplication, height: number) {
  const block = application.store.block(height);
  const work = block?.section.work;
  if (block === undefined || work == null) return null;
  const draw = await askWork(application, 'drawOf', BigInt(work.drawHeight));
  const row = draw?.ranks[work.rank];
  if (draw === undefined || row === undefined) return null;
  const claim = await claimOf(application, row);
  return {
    height,
    blockHash: toHex(block.header.hash()),
    ...formatWork(work),
    traceId: quantity(row.traceId),
    round: claim.round,
    slot: claim.slot,
    segments: claim.segments,
    seed: toHex(claim.seed),
    documentHash: toHex(claim.documentHash),
    limits: application.spec.work,
    draw: formatDraw(draw),
  };
}

const formatDraw = ({ height, totalWeight, pool, settled, ranks }: DrawRow) => ({
  height: Number(height),
  totalWeight: quantity(totalWeight),
  pool: quantity(pool),
  settled,
  ranks: ranks.map(({ traceId, segment, opener, proposer, trace }) => ({
    segment: Number(segment),
    opener: opened(opener),
    proposer: opened(proposer),
    trace: formatTrace(traceId, trace),
  })),
});

const opened = (account: Hex): Hex | null =>
  account === ZERO_ADDRESS ? null : (account.toLowerCase() as Hex);

const formatTrace = (id: bigint, trace: TraceRow) => ({
  id: quantity(id),
  taskId: quantity(trace.jobId),
  worker: trace.worker.toLowerCase(),
  round: Number(trace.round),
  slot: Number(trace.slot),
  segments: Number(trace.segments),
  height: Number(trace.height),
  weight: quantity(trace.weight),
  upTo: quantity(trace.upTo),
  fate: FATES[Number(trace.fate)],
  traceRoot: trace.root,
});
