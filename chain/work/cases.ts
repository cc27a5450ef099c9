/** The court's open cases, with all that a bundle is checked against. */
import { fromHex, type Hex } from '../../core/index.ts';
import type { ChainApplication } from '../application.ts';
import { askCourt, askJob, type CaseRow, ZERO_ADDRESS } from './contracts.ts';
import type { Target } from './target.ts';

export interface CaseFile extends Target {
  readonly caseId: number;
  readonly traceId: bigint;
  /** 20 bytes. */
  readonly worker: Uint8Array;
  /** Last block for a verdict; without one the case goes against the worker. */
  readonly deadline: number;
}

/** Cases that a block on the present head may judge, most urgent first; none where the chain has no court. */
export async function readCases(application: ChainApplication): Promise<CaseFile[]> {
  const rows = (await askCourt(application, 'openCases')) ?? [];
  const next = BigInt(application.head.height + 1);
  const cases: CaseFile[] = [];
  for (const row of rows) if (row.deadline >= next) cases.push(await caseFile(application, row));
  return cases.sort((a, b) => a.deadline - b.deadline || a.caseId - b.caseId);
}

async function caseFile(application: ChainApplication, row: CaseRow): Promise<CaseFile> {
  const { caseId, jobId } = row;
  return {
    key: `case/${caseId}`,
    isCase: true,
    caseId: Number(caseId),
    traceId: row.traceId,
    worker: fromHex(row.worker, 20),
    deadline: Number(row.deadline),
    parties: await partiesOf(application, row),
    claim: {
      jobId,
      ...(await askJob(application, jobId)),
      round: Number(row.round),
      slot: Number(row.slot),
      traceRoot: fromHex(row.traceRoot, 32),
      segments: Number(row.segments),
      segment: Number(row.segment),
    },
  };
}

/** Its worker, who brought it, and the auditors whose digests it decides about. */
async function partiesOf(
  application: ChainApplication,
  { caseId, traceId, worker }: CaseRow,
): Promise<Hex[]> {
  const record = await askCourt(application, 'caseOf', caseId);
  const audit = await askCourt(application, 'auditOf', traceId);
  const challenger = record?.challenger ?? ZERO_ADDRESS;
  const auditors = (audit?.auditors ?? []).map(({ account }) => account);
  return [worker, ...(challenger === ZERO_ADDRESS ? [] : [challenger]), ...auditors];
}
