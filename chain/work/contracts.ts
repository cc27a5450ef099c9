/** Views of the contracts of useful work on a block's state, as the chain node itself asks them. */
import { Interface } from 'ethers';
import { jobManagerAbi, trainingCourtAbi, usefulWorkAbi } from '../../contracts/generated/index.ts';
import { FedaiError, fromHex, type Hex } from '../../core/index.ts';
import type { ChainApplication } from '../application.ts';

export interface TraceRow {
  readonly worker: Hex;
  readonly jobId: bigint;
  readonly round: bigint;
  readonly slot: bigint;
  /** Index into `FATES`. */
  readonly fate: bigint;
  readonly segments: bigint;
  readonly height: bigint;
  readonly weight: bigint;
  readonly upTo: bigint;
  readonly root: Hex;
}

export interface RankRow {
  readonly traceId: bigint;
  readonly segment: bigint;
  /** Zero until opened. */
  readonly opener: Hex;
  readonly proposer: Hex;
  readonly trace: TraceRow;
}

export interface DrawRow {
  readonly height: bigint;
  readonly totalWeight: bigint;
  readonly pool: bigint;
  readonly settled: boolean;
  readonly ranks: readonly RankRow[];
}

export const FATES = ['committed', 'drawn', 'opened', 'void', 'faulty'] as const;
export const ZERO_ADDRESS: Hex = `0x${'00'.repeat(20)}`;

/** A case that awaits its verdict. */
export interface CaseRow {
  readonly caseId: bigint;
  readonly traceId: bigint;
  readonly jobId: bigint;
  readonly round: bigint;
  readonly slot: bigint;
  readonly segment: bigint;
  /** Of the trace. */
  readonly segments: bigint;
  /** Last block for a verdict. */
  readonly deadline: bigint;
  readonly worker: Hex;
  readonly traceRoot: Hex;
}

export interface AuditRow {
  /** Index into `AUDIT_STATES`. */
  readonly state: bigint;
  /** False: the trace has no court. */
  readonly recorded: boolean;
  readonly fullAudit: boolean;
  readonly value: bigint;
  readonly drawFrom: bigint;
  readonly drawUntil: bigint;
  readonly commitUntil: bigint;
  readonly revealUntil: bigint;
  readonly challengeUntil: bigint;
  /** Zero for none. */
  readonly caseId: bigint;
  readonly fee: bigint;
  readonly lock: bigint;
  readonly segments: readonly bigint[];
  readonly auditors: readonly {
    readonly account: Hex;
    readonly revealed: boolean;
    readonly commitment: Hex;
    readonly digests: readonly Hex[];
  }[];
}

export interface CaseRecord {
  readonly traceId: bigint;
  readonly segment: bigint;
  /** Index into `CASE_STATES`. */
  readonly state: bigint;
  readonly deadline: bigint;
  /** Zero for a dispute among auditors. */
  readonly challenger: Hex;
  readonly bond: bigint;
  readonly digest: Hex;
}

export const AUDIT_STATES = ['none', 'drawn', 'accepted', 'disputed', 'unanswered', 'judged'] as const;
export const CASE_STATES = ['none', 'open', 'upheld', 'dismissed', 'waiting', 'dropped'] as const;

const court = new Interface(trainingCourtAbi);
const usefulWork = new Interface(usefulWorkAbi);
const jobManager = new Interface(jobManagerAbi);
/** Reads of a few records each. */
const READ_GAS = 30_000_000n;

type Answers = {
  upcomingDraw: DrawRow;
  drawOf: DrawRow;
  openHeight: bigint;
  traceOf: TraceRow;
  traceCount: bigint;
};

/** A view of UsefulWork on the head's state; undefined where the chain has none. Throws `WORK_UNREADABLE` when it reverts. */
export async function askWork<Method extends keyof Answers>(
  application: ChainApplication,
  method: Method,
  ...args: readonly bigint[]
): Promise<Answers[Method] | undefined> {
  const contract = application.spec.contracts.usefulWork;
  if (contract === undefined) return undefined;
  return (await view(application, contract, usefulWork, method, args)) as Answers[Method];
}

type CourtAnswers = {
  openCases: readonly CaseRow[];
  caseCount: bigint;
  auditOf: AuditRow;
  caseOf: CaseRecord;
};

/** A view of the court on the head's state; undefined where the chain has none. Throws `WORK_UNREADABLE` when it reverts. */
export async function askCourt<Method extends keyof CourtAnswers>(
  application: ChainApplication,
  method: Method,
  ...args: readonly bigint[]
): Promise<CourtAnswers[Method] | undefined> {
  const contract = application.spec.contracts.trainingCourt;
  if (contract === undefined) return undefined;
  return (await view(application, contract, court, method, args)) as CourtAnswers[Method];
}

/** Seed and hash of the document of a job. */
export async function askJob(
  application: ChainApplication,
  jobId: bigint,
): Promise<{ seed: Uint8Array; documentHash: Uint8Array; postedAt: number }> {
  const contract = application.spec.contracts.jobManager;
  const job = (await view(application, contract, jobManager, 'job', [jobId])) as {
    seed: string;
    postedAt: bigint;
    post: { documentHash: string };
  };
  return {
    seed: fromHex(job.seed, 32),
    documentHash: fromHex(job.post.documentHash, 32),
    postedAt: Number(job.postedAt),
  };
}

async function view(
  { execution, headHeader }: ChainApplication,
  to: Hex,
  contract: Interface,
  method: string,
  args: readonly bigint[],
): Promise<unknown> {
  const data = fromHex(contract.encodeFunctionData(method, args));
  const request = { from: ZERO_ADDRESS, to, data, value: 0n, gasLimit: READ_GAS, gasPrice: 0n };
  const { failure, output } = await execution.call(headHeader, request);
  if (failure === undefined) return contract.decodeFunctionResult(method, output)[0];
  throw new FedaiError('WORK_UNREADABLE', 'a contract does not tell of useful work', { method, failure });
}
