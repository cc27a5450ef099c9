/** Events of JobManager as typed values, and the reading of them by block range. */
import { type Interface, type LogDescription, Result } from 'ethers';
import type { Hex } from '../core/index.ts';
import { bytesToCid } from './cidBytes.ts';
import { decodePayouts, decodeScore, namedOf, wholeResult, wrongContract } from './decode.ts';
import { type ExitReason, exitReasons, type JobState, jobStates, type Payouts, type Score } from './types.ts';

interface Place {
  jobId: bigint;
  height: number;
  transactionHash: Hex;
}

export type MarketEvent = Place &
  (
    | { name: 'JobPosted'; client: Hex; documentCid: string; reward: bigint }
    | { name: 'WorkerVolunteered'; worker: Hex }
    | { name: 'TrainingStarted'; workers: Hex[]; seed: Hex }
    | { name: 'DataKeyDelivered'; worker: Hex; wrapped: Hex }
    | {
        name: 'RoundCommitted';
        round: number;
        stateRoot: Hex;
        stateCid: string;
        contributors: bigint;
        loss: bigint;
      }
    | {
        name: 'TraceCommitted';
        round: number;
        worker: Hex;
        traceId: bigint;
        slot: number;
        traceRoot: Hex;
        endRoot: Hex;
        weight: bigint;
      }
    /** Not where the chain's own call voids the trace: that leaves no event. */
    | { name: 'TraceLost'; round: number; worker: Hex; faulty: boolean }
    | { name: 'ResultSubmitted'; modelHash: Hex; modelCid: string; worker: Hex }
    | { name: 'EvaluatorsDrawn'; evaluators: Hex[]; attempt: number }
    | { name: 'TestKeyDelivered'; evaluator: Hex; wrapped: Hex }
    | { name: 'ScoreCommitted'; evaluator: Hex; commitment: Hex }
    | { name: 'ScoreRevealed'; evaluator: Hex; score: Score; signature: Hex }
    | { name: 'TestKeyPublished'; key: Hex }
    | { name: 'RedrawOpened'; drawHeight: bigint }
    | { name: 'JobCompleted'; score: Score }
    | { name: 'JobCancelled' }
    | { name: 'JobSettled'; state: JobState; exit: ExitReason; payouts: Payouts }
    | { name: 'Credited'; account: Hex; amount: bigint }
  );

export type MarketEventName = MarketEvent['name'];
export type EventOf<Name extends MarketEventName> = Extract<MarketEvent, { name: Name }>;

/** What `eth_getLogs` gives, as far as it is used. */
export interface RawLog {
  address: Hex;
  topics: readonly Hex[];
  data: Hex;
  blockNumber: string;
  transactionHash: Hex;
}

/** Fields whose plain form differs from what the ABI decodes to; all others are taken as they are. */
const converters: Record<string, (value: unknown) => unknown> = {
  documentCid: (value) => bytesToCid(value as string),
  stateCid: (value) => bytesToCid(value as string),
  modelCid: (value) => bytesToCid(value as string),
  round: Number,
  slot: Number,
  attempt: Number,
  score: decodeScore,
  payouts: decodePayouts,
  state: (value) => namedOf(jobStates, value, 'state'),
  exit: (value) => namedOf(exitReasons, value, 'exit'),
};

/** `undefined` for logs that are no job event; throws `WRONG_CONTRACT` for one that the contract cannot have written. */
export function decodeEvent(codec: Interface, log: RawLog): MarketEvent | undefined {
  const parsed = parsedOf(codec, log);
  if (parsed === null || parsed.fragment.inputs[0]?.name !== 'jobId') return undefined;
  return {
    ...plainFields(parsed),
    name: parsed.name,
    height: Number(log.blockNumber),
    transactionHash: log.transactionHash,
  } as MarketEvent;
}

function parsedOf(codec: Interface, log: RawLog): LogDescription | null {
  let parsed: LogDescription | null;
  try {
    parsed = codec.parseLog({ topics: [...log.topics], data: log.data });
  } catch (cause) {
    throw wrongContract('an event', cause);
  }
  if (parsed !== null) wholeResult(parsed.args, parsed.name);
  return parsed;
}

function plainFields(parsed: LogDescription): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  parsed.fragment.inputs.forEach((input, i) => {
    const value: unknown = parsed.args[i];
    const convert = converters[input.name];
    plain[input.name] = convert ? convert(value) : value instanceof Result ? value.toArray() : value;
  });
  return plain;
}

export interface EventQuery {
  fromHeight: number;
  toHeight?: number;
  jobId?: bigint;
  names?: readonly MarketEventName[];
}

/** `eth_getLogs` parameter for a query. */
export function eventFilter(codec: Interface, address: Hex, query: EventQuery): Record<string, unknown> {
  const names = query.names?.map((name) => codec.getEvent(name)!.topicHash) ?? null;
  const jobId = query.jobId === undefined ? null : `0x${query.jobId.toString(16).padStart(64, '0')}`;
  return {
    address,
    fromBlock: `0x${query.fromHeight.toString(16)}`,
    toBlock: query.toHeight === undefined ? 'latest' : `0x${query.toHeight.toString(16)}`,
    topics: jobId === null ? (names === null ? [] : [names]) : [names, jobId],
  };
}
