/** Every view of the contracts that daemons, client and explorer need, as typed calls. */
import { toNumber } from 'ethers';
import type { Hex } from '../core/index.ts';
import type { MarketContext } from './context.ts';
import {
  decodeAddresses,
  decodeEvaluation,
  decodeJob,
  decodeParameters,
  decodeReceipt,
  decodeRegistration,
  decodeRound,
  decodeTraceRecord,
} from './decode.ts';
import { decodeDraw, decodeTrace, decodeWorkParameters, noWork } from './decodeWork.ts';
import { decodeEvent, type EventQuery, eventFilter, type MarketEvent, type RawLog } from './events.ts';
import { retry } from './retry.ts';
import type {
  Evaluation,
  FixedRound,
  Job,
  JobReceipt,
  Parameters,
  Registration,
  TraceRecord,
  WorkDraw,
  WorkParameters,
  WorkTrace,
} from './types.ts';

export interface MarketReads {
  chainId(): Promise<bigint>;
  /** Height of the latest block. */
  height(): Promise<number>;
  balanceOf(account: Hex): Promise<bigint>;
  /** Events of JobManager in chain order. */
  events(query: EventQuery): Promise<MarketEvent[]>;
  jobCount(): Promise<bigint>;
  /** Throws `REVERTED` (`JobManagerUnknownJob`). */
  job(jobId: bigint): Promise<Job>;
  volunteersOf(jobId: bigint): Promise<Hex[]>;
  /** Slot order. */
  workersOf(jobId: bigint): Promise<Hex[]>;
  evaluatorsOf(jobId: bigint): Promise<Hex[]>;
  evaluationOf(jobId: bigint, evaluator: Hex): Promise<Evaluation>;
  roundOf(jobId: bigint, round: number): Promise<FixedRound>;
  /** The one way to learn that a draw has voided a trace: what the chain itself calls leaves no events. */
  traceOf(jobId: bigint, round: number, slot: number): Promise<TraceRecord>;
  jobReceipt(jobId: bigint): Promise<JobReceipt>;
  receiptHash(jobId: bigint): Promise<Hex>;
  /** Wei. */
  withdrawable(account: Hex): Promise<bigint>;
  parameters(): Promise<Parameters>;
  stakeOf(account: Hex): Promise<bigint>;
  freeStakeOf(account: Hex): Promise<bigint>;
  nodeOf(account: Hex): Promise<Registration>;
  evaluators(): Promise<Hex[]>;
  /** The draw of a work height. Undefined, as the next ones, on a chain without useful work. */
  workDraw(height: number): Promise<WorkDraw | undefined>;
  /** What the next block will draw, if it is a work height. */
  upcomingDraw(): Promise<WorkDraw | undefined>;
  workParameters(): Promise<WorkParameters | undefined>;
  /** Committed traces so far; 0 on a chain without useful work. Ids count from 0. */
  workTraceCount(): Promise<bigint>;
  /** Throws `REVERTED` (`UsefulWorkUnknownTrace`) or `NO_WORK`. */
  workTrace(traceId: bigint): Promise<WorkTrace>;
  /** Wei for work that sealed blocks. */
  workWithdrawable(account: Hex): Promise<bigint>;
}

/** Widest range of one log query: EVM nodes refuse or stall on larger ones. */
const MAX_LOG_RANGE_BLOCKS = 2_000;

export function createReads(context: MarketContext): MarketReads {
  const { jobManager, staking, workerRegistry, transport } = context;
  const ask = (method: string, params: readonly unknown[]) =>
    retry(method, () => transport.request(method, params, context.retrying.signal), context.retrying);
  const height = async () => toNumber((await ask('eth_blockNumber', [])) as string);
  return {
    chainId: async () => BigInt((await ask('eth_chainId', [])) as string),
    height,
    balanceOf: async (account) => BigInt((await ask('eth_getBalance', [account, 'latest'])) as string),
    events: async (query) => readEvents(context, ask, query, query.toHeight ?? (await height())),
    jobCount: async () => (await jobManager.read('jobCount'))[0] as bigint,
    job: async (jobId) => decodeJob(jobId, await jobManager.read('job', [jobId])),
    volunteersOf: async (jobId) => decodeAddresses(await jobManager.read('volunteersOf', [jobId])),
    workersOf: async (jobId) => decodeAddresses(await jobManager.read('workersOf', [jobId])),
    evaluatorsOf: async (jobId) => decodeAddresses(await jobManager.read('evaluatorsOf', [jobId])),
    evaluationOf: async (jobId, evaluator) =>
      decodeEvaluation(await jobManager.read('evaluationOf', [jobId, evaluator])),
    roundOf: async (jobId, round) => decodeRound(await jobManager.read('roundOf', [jobId, round])),
    traceOf: async (jobId, round, slot) =>
      decodeTraceRecord(await jobManager.read('traceOf', [jobId, round, slot])),
    jobReceipt: async (jobId) => decodeReceipt(await jobManager.read('jobReceipt', [jobId])),
    receiptHash: async (jobId) => (await jobManager.read('receiptHash', [jobId]))[0] as Hex,
    withdrawable: async (account) => (await jobManager.read('withdrawable', [account]))[0] as bigint,
    parameters: async () => decodeParameters(await jobManager.read('parameters')),
    stakeOf: async (account) => (await staking.read('stakeOf', [account]))[0] as bigint,
    freeStakeOf: async (account) => (await staking.read('freeStakeOf', [account]))[0] as bigint,
    nodeOf: async (account) => decodeRegistration(await workerRegistry.read('nodeOf', [account])),
    evaluators: async () => decodeAddresses(await workerRegistry.read('evaluators')),
    ...workReads(context),
  };
}

type WorkReads = Pick<
  MarketReads,
  'workDraw' | 'upcomingDraw' | 'workParameters' | 'workTraceCount' | 'workTrace' | 'workWithdrawable'
>;

function workReads({ usefulWork }: MarketContext): WorkReads {
  return {
    workDraw: async (height) => usefulWork && decodeDraw(await usefulWork.read('drawOf', [height])),
    upcomingDraw: async () => usefulWork && decodeDraw(await usefulWork.read('upcomingDraw')),
    workParameters: async () => usefulWork && decodeWorkParameters(await usefulWork.read('parameters')),
    workTraceCount: async () =>
      usefulWork === undefined ? 0n : ((await usefulWork.read('traceCount'))[0] as bigint),
    workTrace: async (traceId) => {
      if (usefulWork === undefined) throw noWork();
      return decodeTrace((await usefulWork.read('traceOf', [traceId]))[0]);
    },
    workWithdrawable: async (account) =>
      usefulWork === undefined ? 0n : ((await usefulWork.read('withdrawable', [account]))[0] as bigint),
  };
}

async function readEvents(
  context: MarketContext,
  ask: (method: string, params: readonly unknown[]) => Promise<unknown>,
  query: EventQuery,
  toHeight: number,
): Promise<MarketEvent[]> {
  const { codec, address } = context.jobManager;
  const events: MarketEvent[] = [];
  for (let from = query.fromHeight; from <= toHeight; from += MAX_LOG_RANGE_BLOCKS) {
    const to = Math.min(toHeight, from + MAX_LOG_RANGE_BLOCKS - 1);
    const filter = eventFilter(codec, address, { ...query, fromHeight: from, toHeight: to });
    const logs = (await ask('eth_getLogs', [filter])) as RawLog[];
    for (const log of logs) {
      const event = decodeEvent(codec, log);
      if (event !== undefined) events.push(event);
    }
  }
  return events;
}
