/** Proofs of useful work: what was drawn, what a block opened, what a trace came to. */
import { type Hex, toHex } from '../../../core/index.ts';
import type { SegmentClaim } from '../../../pouw/index.ts';
import type { ChainApplication } from '../../application.ts';
import {
  AUDIT_STATES,
  type AuditRow,
  askCourt,
  askWork,
  CASE_STATES,
  type CaseFile,
  type CaseRecord,
  claimOf,
  type DrawRow,
  FATES,
  readCases,
  type TraceRow,
  ZERO_ADDRESS,
} from '../../work/index.ts';
import { invalidParams } from '../faults.ts';
import { quantity } from '../format.ts';
import { readHeight } from '../params.ts';
import type { MethodGroup } from '../types.ts';
import { formatVerdict, formatWork } from '../useful-work.ts';

export const workMethods: MethodGroup = ({ application }) => ({
  fedai_getWorkDraw: async ([height]) => {
    const draw = await askWork(application, 'drawOf', BigInt(plainHeight(application, height)));
    return draw === undefined || draw.ranks.length === 0 ? null : formatDraw(draw);
  },
  fedai_getWorkProof: ([height]) => workProof(application, plainHeight(application, height)),
  fedai_getCourtVerdict: ([height]) => courtVerdict(application, plainHeight(application, height)),
  fedai_getTrace: async ([id]) => {
    const traceId = traceNumber(id);
    const count = (await askWork(application, 'traceCount')) ?? 0n;
    if (traceId >= count) return null;
    const trace = await askWork(application, 'traceOf', traceId);
    if (trace === undefined) return null;
    return { ...formatTrace(traceId, trace), ...(await courtOf(application, traceId)) };
  },
  fedai_getOpenCases: async () => (await readCases(application)).map(formatOpenCase),
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
    ...placeIn(claim),
    limits: application.spec.work,
    draw: formatDraw(draw),
  };
}

/** What a validator replays a bundle against. */
const formatOpenCase = ({ caseId, traceId, worker, deadline, claim }: CaseFile) => ({
  caseId,
  traceId: quantity(traceId),
  taskId: quantity(claim.jobId),
  worker: toHex(worker),
  segment: claim.segment,
  traceRoot: toHex(claim.traceRoot),
  ...placeIn(claim),
  deadline,
});

/** The audit of a trace and its latest case; null for what there is not. */
async function courtOf(application: ChainApplication, traceId: bigint) {
  const audit = await askCourt(application, 'auditOf', traceId);
  if (audit === undefined || !audit.recorded) return { audit: null, case: null };
  const record = audit.caseId === 0n ? undefined : await askCourt(application, 'caseOf', audit.caseId);
  return { audit: formatAudit(audit), case: record === undefined ? null : formatCase(audit.caseId, record) };
}

const formatAudit = (audit: AuditRow) => ({
  state: AUDIT_STATES[Number(audit.state)],
  fullAudit: audit.fullAudit,
  segments: audit.segments.map(Number),
  drawFrom: Number(audit.drawFrom),
  drawUntil: Number(audit.drawUntil),
  commitUntil: Number(audit.commitUntil),
  revealUntil: Number(audit.revealUntil),
  challengeUntil: Number(audit.challengeUntil),
  value: quantity(audit.value),
  fee: quantity(audit.fee),
  lock: quantity(audit.lock),
  auditors: audit.auditors.map(({ account, revealed, commitment, digests }) => ({
    account: account.toLowerCase(),
    commitment: commitment === ZERO_HASH ? null : commitment,
    digests: revealed ? [...digests] : null,
  })),
});

const formatCase = (id: bigint, record: CaseRecord) => ({
  caseId: Number(id),
  segment: Number(record.segment),
  state: CASE_STATES[Number(record.state)],
  deadline: Number(record.deadline),
  challenger: opened(record.challenger),
  bond: quantity(record.bond),
  digest: record.digest === ZERO_HASH ? null : record.digest,
});

const ZERO_HASH = toHex(new Uint8Array(32));

/** Everything that re-executing a block's verdict takes, apart from the bundle; null for a block without one. */
async function courtVerdict(application: ChainApplication, height: number) {
  const block = application.store.block(height);
  const verdict = block?.section.verdict;
  if (block === undefined || verdict == null) return null;
  const record = await askCourt(application, 'caseOf', BigInt(verdict.caseId));
  const trace = record && (await askWork(application, 'traceOf', record.traceId));
  if (record === undefined || trace === undefined) return null;
  const claim = await claimOf(application, { segment: record.segment, trace });
  return {
    height,
    blockHash: toHex(block.header.hash()),
    ...formatVerdict(verdict),
    traceId: quantity(record.traceId),
    ...placeIn(claim),
    limits: application.spec.work,
  };
}

/** What a bundle is checked against, beside job, trace root and segment. */
const placeIn = ({ round, slot, segments, seed, documentHash, postedAt }: SegmentClaim) => ({
  round,
  slot,
  segments,
  seed: toHex(seed),
  documentHash: toHex(documentHash),
  postedAt,
});

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
