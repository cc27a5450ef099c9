/** Turns decoded tuples of TrainingCourt into the market's shapes. */
import type { Result } from 'ethers';
import type { Hex } from '../core/index.ts';
import {
  type Audit,
  type AuditorPart,
  auditStates,
  type CourtCase,
  type CourtParameters,
  caseStates,
  type OpenCase,
} from './courtTypes.ts';
import { namedOf, wrongContract } from './decode.ts';
import { ZERO_ADDRESS } from './types.ts';

type Fields = Record<string, unknown>;

const fieldsOf = (tuple: unknown): Fields => (tuple as Result).toObject();
const listOf = (value: unknown): unknown[] => (value as Result).toArray();

/** Heights and ids are compared and counted with: what a number cannot hold exactly is no answer. Throws `WRONG_CONTRACT`. */
function safeNumber(value: unknown, name: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw wrongContract(name);
  return number;
}

function numbers<const Name extends string>(fields: Fields, names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, safeNumber(fields[name], name)])) as Record<
    Name,
    number
  >;
}

const auditorOf = (tuple: unknown): AuditorPart => {
  const fields = fieldsOf(tuple);
  return {
    account: fields['account'] as Hex,
    revealed: fields['revealed'] === true,
    commitment: fields['commitment'] as Hex,
    digests: listOf(fields['digests']) as Hex[],
  };
};

const segmentsOf = (value: unknown): number[] =>
  listOf(value).map((segment) => safeNumber(segment, 'segments'));

export function decodeAudit(result: Result): Audit {
  const fields = fieldsOf(result[0]);
  return {
    ...numbers(fields, ['drawFrom', 'drawUntil', 'commitUntil', 'revealUntil', 'challengeUntil', 'caseId']),
    state: namedOf(auditStates, fields['state'], 'state'),
    recorded: fields['recorded'] === true,
    fullAudit: fields['fullAudit'] === true,
    value: fields['value'] as bigint,
    fee: fields['fee'] as bigint,
    lock: fields['lock'] as bigint,
    segments: segmentsOf(fields['segments']),
    auditors: listOf(fields['auditors']).map(auditorOf),
  };
}

export function decodeSelection(result: Result): { selected: boolean; segments: number[] } {
  return { selected: result[0] === true, segments: segmentsOf(result[1]) };
}

export function decodeCase(result: Result): CourtCase {
  const fields = fieldsOf(result[0]);
  const challenger = fields['challenger'] as Hex;
  return {
    ...numbers(fields, ['segment', 'deadline']),
    traceId: fields['traceId'] as bigint,
    state: namedOf(caseStates, fields['state'], 'state'),
    challenger: challenger === ZERO_ADDRESS ? null : challenger,
    bond: fields['bond'] as bigint,
    digest: fields['digest'] as Hex,
  };
}

export const decodeOpenCases = (result: Result): OpenCase[] => listOf(result[0]).map(openCaseOf);

function openCaseOf(tuple: unknown): OpenCase {
  const fields = fieldsOf(tuple);
  return {
    ...numbers(fields, ['caseId', 'round', 'slot', 'segment', 'segments', 'deadline']),
    traceId: fields['traceId'] as bigint,
    jobId: fields['jobId'] as bigint,
    worker: fields['worker'] as Hex,
    traceRoot: fields['traceRoot'] as Hex,
  };
}

export function decodeCourtParameters(result: Result): CourtParameters {
  const fields = fieldsOf(result[0]);
  return {
    ...numbers(fields, ['rateBps', 'assumedBadBps', 'absentSlashBps', 'wrongSlashBps']),
    ...numbers(fields, ['auditors', 'segmentsPerAudit', 'maxOpen']),
    ...numbers(fields, ['commitBlocks', 'revealBlocks', 'courtBlocks']),
    auditLock: fields['auditLock'] as bigint,
    bond: fields['bond'] as bigint,
  };
}
