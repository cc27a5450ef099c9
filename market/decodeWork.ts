/** Turns decoded tuples of UsefulWork into the market's shapes. */
import type { Result } from 'ethers';
import { FedaiError, type Hex } from '../core/index.ts';
import { namedOf } from './decode.ts';
import {
  fates,
  type WorkDraw,
  type WorkParameters,
  type WorkRank,
  type WorkTrace,
  ZERO_ADDRESS,
} from './types.ts';

type Fields = Record<string, unknown>;

const fieldsOf = (tuple: unknown): Fields => (tuple as Result).toObject();
const number = (fields: Fields, name: string): number => Number(fields[name]);
const account = (fields: Fields, name: string): Hex | null =>
  fields[name] === ZERO_ADDRESS ? null : (fields[name] as Hex);

export const noWork = (): FedaiError => new FedaiError('NO_WORK', 'this chain has no useful work');

export function decodeTrace(tuple: unknown): WorkTrace {
  const fields = fieldsOf(tuple);
  return {
    worker: fields['worker'] as Hex,
    jobId: fields['jobId'] as bigint,
    round: number(fields, 'round'),
    slot: number(fields, 'slot'),
    fate: namedOf(fates, fields['fate'], 'fate'),
    segments: number(fields, 'segments'),
    height: number(fields, 'height'),
    weight: fields['weight'] as bigint,
    root: fields['root'] as Hex,
  };
}

function decodeRank(tuple: unknown): WorkRank {
  const fields = fieldsOf(tuple);
  return {
    traceId: fields['traceId'] as bigint,
    segment: number(fields, 'segment'),
    opener: account(fields, 'opener'),
    proposer: account(fields, 'proposer'),
    trace: decodeTrace(fields['trace']),
  };
}

export function decodeDraw(result: Result): WorkDraw {
  const fields = fieldsOf(result[0]);
  return {
    height: number(fields, 'height'),
    totalWeight: fields['totalWeight'] as bigint,
    pool: fields['pool'] as bigint,
    settled: fields['settled'] === true,
    ranks: (fields['ranks'] as Result).toArray().map(decodeRank),
  };
}

export function decodeWorkParameters(result: Result): WorkParameters {
  const fields = fieldsOf(result[0]);
  return {
    interval: number(fields, 'interval'),
    drawDelay: number(fields, 'drawDelay'),
    ranks: number(fields, 'ranks'),
    poolBps: number(fields, 'poolBps'),
    proposerBps: number(fields, 'proposerBps'),
  };
}
