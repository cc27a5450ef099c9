/** Turns decoded ABI tuples into the market's shapes. */
import { checkResultErrors, type Result } from 'ethers';
import { FedaiError, type Hex } from '../core/index.ts';
import { bytesToCid } from './cidBytes.ts';
import {
  type Accrual,
  type Deadlines,
  type Evaluation,
  exitReasons,
  type FixedRound,
  type Job,
  type JobPost,
  type JobReceipt,
  jobStates,
  type Parameters,
  type Payouts,
  phases,
  type Registration,
  type Score,
  type TraceRecord,
} from './types.ts';

type Fields = Record<string, unknown>;

export const wrongContract = (what: string, cause?: unknown): FedaiError =>
  new FedaiError(
    'WRONG_CONTRACT',
    `what the contract is said to answer for ${what} does not decode`,
    { what },
    { cause, remedy: 'check the RPC URL and that the chain-spec file is the network’s' },
  );

/** ethers keeps what does not decode until it is asked for: here is where it comes out. Throws `WRONG_CONTRACT`. */
export function wholeResult(result: Result, what: string): Result {
  const [first] = checkResultErrors(result);
  if (first !== undefined) throw wrongContract(what, first.error);
  return result;
}

/** Contract integers are bigint; those that fit a block number or less become numbers. */
const number = (fields: Fields, name: string): number => Number(fields[name]);
const wei = (fields: Fields, name: string): bigint => fields[name] as bigint;
const hex = (fields: Fields, name: string): Hex => fields[name] as Hex;
const cid = (fields: Fields, name: string): string => bytesToCid(fields[name] as string);

/** Named fields of a tuple. ethers' `Result` hides names that collide with array members, so they are read as an object. */
const fieldsOf = (tuple: unknown): Fields => (tuple as Result).toObject();
const nested = (fields: Fields, name: string): Fields => fieldsOf(fields[name]);
const addresses = (fields: Fields, name: string): Hex[] => (fields[name] as Result).toArray() as Hex[];

/** The name that a value of an enum has; throws `WRONG_CONTRACT` when it has none. */
export function namedOf<Name>(names: readonly Name[], value: unknown, what: string): Name {
  const name = names[Number(value)];
  if (name === undefined) throw wrongContract(what);
  return name;
}

export const decodeAddresses = (result: Result): Hex[] => (result[0] as Result).toArray() as Hex[];

function numbers<const Name extends string>(fields: Fields, names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, number(fields, name)])) as Record<Name, number>;
}

function amounts<const Name extends string>(fields: Fields, names: readonly Name[]): Record<Name, bigint> {
  return Object.fromEntries(names.map((name) => [name, wei(fields, name)])) as Record<Name, bigint>;
}

const deadlinesOf = (fields: Fields): Deadlines =>
  numbers(fields, [
    'volunteerBlocks',
    'roundBlocks',
    'resultBlocks',
    'keyBlocks',
    'commitBlocks',
    'revealBlocks',
  ]);

function postOf(fields: Fields): JobPost {
  return {
    ...numbers(fields, [
      'workers',
      'evaluators',
      'rounds',
      'mode',
      'minimumBands',
      'targetScorePpm',
      'segments',
    ]),
    provable: fields['provable'] === true,
    fullAudit: fields['fullAudit'] === true,
    documentCid: cid(fields, 'documentCid'),
    documentHash: hex(fields, 'documentHash'),
    testKeyCommitment: hex(fields, 'testKeyCommitment'),
    testRoot: hex(fields, 'testRoot'),
    workerStake: wei(fields, 'workerStake'),
    deadlines: deadlinesOf(nested(fields, 'deadlines')),
  };
}

function parametersOf(fields: Fields): Parameters {
  return {
    ...numbers(fields, ['workersBps', 'evaluatorsBps', 'burnBps', 'validatorsBps', 'evaluatorSlashBps']),
    ...numbers(fields, ['workerSlashBps', 'drawDelayBlocks', 'maxRounds', 'maxDeadlineBlocks']),
    ...numbers(fields, ['voidSlashBps', 'faultSlashBps', 'auditorsBps', 'fullAuditBps', 'feeSegments']),
    ...amounts(fields, ['minWorkerStake', 'minEvaluatorStake', 'minReward']),
  };
}

const payoutsOf = (fields: Fields): Payouts =>
  amounts(fields, ['workers', 'evaluators', 'auditors', 'burned', 'validators', 'refund', 'escrow']);

const accrualOf = (fields: Fields): Accrual => ({
  ...amounts(fields, ['workers', 'burned', 'validators', 'auditors']),
  ...numbers(fields, ['clearAt', 'traces', 'lost']),
});

const scoreOf = (fields: Fields): Score => ({
  ...numbers(fields, ['correct', 'total', 'verdict']),
  outputsRoot: hex(fields, 'outputsRoot'),
  modelHash: hex(fields, 'modelHash'),
});

export const decodeScore = (tuple: unknown): Score => scoreOf(fieldsOf(tuple));
export const decodePayouts = (tuple: unknown): Payouts => payoutsOf(fieldsOf(tuple));
export const decodeParameters = (result: Result): Parameters => parametersOf(fieldsOf(result[0]));

export function decodeJob(id: bigint, result: Result): Job {
  const fields = fieldsOf(result[0]);
  return {
    id,
    ...numbers(fields, ['attempt', 'roundsFixed', 'claimedPpm', 'postedAt', 'drawHeight', 'deadline']),
    post: postOf(nested(fields, 'post')),
    parameters: parametersOf(nested(fields, 'parameters')),
    client: hex(fields, 'client'),
    state: namedOf(jobStates, fields['state'], 'state'),
    exit: namedOf(exitReasons, fields['exit'], 'exit'),
    phase: namedOf(phases, fields['phase'], 'phase'),
    reward: wei(fields, 'reward'),
    seed: hex(fields, 'seed'),
    lastStateRoot: hex(fields, 'lastStateRoot'),
    modelHash: hex(fields, 'modelHash'),
    modelCid: cid(fields, 'modelCid'),
    submitter: hex(fields, 'submitter'),
    testKey: hex(fields, 'testKey'),
    agreed: scoreOf(nested(fields, 'agreed')),
    payouts: payoutsOf(nested(fields, 'payouts')),
    accrued: accrualOf(nested(fields, 'accrued')),
  };
}

export function decodeTraceRecord(result: Result): TraceRecord {
  const fields = fieldsOf(result);
  return {
    committed: fields['committed'] === true,
    traceId: fields['traceId'] as bigint,
    lost: fields['lost'] === true,
  };
}

export function decodeReceipt(result: Result): JobReceipt {
  const fields = fieldsOf(result[0]);
  return {
    ...numbers(fields, ['rounds', 'roundsFixed']),
    jobId: wei(fields, 'jobId'),
    client: hex(fields, 'client'),
    documentHash: hex(fields, 'documentHash'),
    documentCid: cid(fields, 'documentCid'),
    testKeyCommitment: hex(fields, 'testKeyCommitment'),
    testRoot: hex(fields, 'testRoot'),
    state: namedOf(jobStates, fields['state'], 'state'),
    exit: namedOf(exitReasons, fields['exit'], 'exit'),
    lastStateRoot: hex(fields, 'lastStateRoot'),
    modelHash: hex(fields, 'modelHash'),
    modelCid: cid(fields, 'modelCid'),
    workers: addresses(fields, 'workers'),
    evaluators: addresses(fields, 'evaluators'),
    agreed: scoreOf(nested(fields, 'agreed')),
    agreeing: addresses(fields, 'agreeing'),
    payouts: payoutsOf(nested(fields, 'payouts')),
  };
}

export function decodeEvaluation(result: Result): Evaluation {
  const fields = fieldsOf(result[0]);
  return {
    keyDelivered: fields['keyDelivered'] as boolean,
    revealed: fields['revealed'] as boolean,
    commitment: hex(fields, 'commitment'),
    score: scoreOf(nested(fields, 'score')),
  };
}

export function decodeRound(result: Result): FixedRound {
  const fields = fieldsOf(result[0]);
  return {
    stateRoot: hex(fields, 'stateRoot'),
    contributors: wei(fields, 'contributors'),
    loss: wei(fields, 'loss'),
    fixedAt: number(fields, 'fixedAt'),
  };
}

export function decodeRegistration(result: Result): Registration {
  const fields = fieldsOf(result[0]);
  return {
    ...numbers(fields, ['roles', 'bands']),
    readerKey: hex(fields, 'readerKey'),
    manifestHash: hex(fields, 'manifestHash'),
    peerId: hex(fields, 'peerId'),
  };
}
