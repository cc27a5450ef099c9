/** One JSON-RPC 2.0 body in, one out: single calls and batches, with nothing thrown. Owns no transport. */
import { type FedaiError, noMetrics } from '../../core/index.ts';
import {
  errorBody,
  INVALID_REQUEST,
  isInternal,
  LIMIT_EXCEEDED,
  METHOD_NOT_FOUND,
  PARSE_ERROR,
  rpcFault,
} from './faults.ts';
import { blockMethods } from './methods/blocks.ts';
import { callMethods } from './methods/calls.ts';
import { fedaiMethods } from './methods/fedai.ts';
import { feeMethods } from './methods/fees.ts';
import { filterMethods } from './methods/filters.ts';
import { logMethods } from './methods/logs.ts';
import { nodeMethods } from './methods/node.ts';
import { stateMethods } from './methods/state.ts';
import { transactionMethods } from './methods/transactions.ts';
import { workMethods } from './methods/work.ts';
import { type CountCall, countCalls } from './metrics.ts';
import { breathe } from './turns.ts';
import type { Method, RpcContext } from './types.ts';

/** Calls of one batch (ethers sends up to 100). */
const MAX_BATCH = 100;
/** Of one batch's answers together, characters (geth's bound); what comes after is refused. */
const MAX_BATCH_ANSWER = 25_000_000;

const groups = [
  nodeMethods,
  blockMethods,
  stateMethods,
  transactionMethods,
  callMethods,
  feeMethods,
  logMethods,
  filterMethods,
  fedaiMethods,
  workMethods,
];

/** Answers a body; undefined when it held notifications only. `extra`: methods of this caller alone. */
export type Dispatch = (body: string, extra?: ReadonlyMap<string, Method>) => Promise<string | undefined>;

export function createDispatch(context: RpcContext): Dispatch {
  const methods = new Map<string, Method>(groups.flatMap((group) => Object.entries(group(context))));
  const count = countCalls(context.metrics ?? noMetrics);
  return async (body, extra) => {
    const find = (name: string) => methods.get(name) ?? extra?.get(name);
    const answer = (request: unknown) => answerOne(find, request, context, count);
    let parsed: unknown;
    try {
      parsed = JSON.parse(body);
    } catch {
      return JSON.stringify(failure(null, rpcFault(PARSE_ERROR, 'parse error')));
    }
    if (!Array.isArray(parsed)) {
      const response = await answer(parsed);
      return response === undefined ? undefined : JSON.stringify(response);
    }
    if (parsed.length === 0) return JSON.stringify(failure(null, rpcFault(INVALID_REQUEST, 'empty batch')));
    if (parsed.length > MAX_BATCH) {
      return JSON.stringify(
        failure(null, rpcFault(INVALID_REQUEST, `batch too large, at most ${MAX_BATCH}`)),
      );
    }
    return await answerBatch(parsed, answer);
  };
}

/** One after the other, others in between: a batch gets no more of the machine than a single caller. */
async function answerBatch(
  requests: readonly unknown[],
  answer: (request: unknown) => Promise<object | undefined>,
): Promise<string | undefined> {
  const texts: string[] = [];
  let size = 0;
  for (const request of requests) {
    const response = size > MAX_BATCH_ANSWER ? tooMuch(request) : await answer(request);
    if (response === undefined) continue;
    const text = JSON.stringify(response);
    size += text.length;
    texts.push(text);
    await breathe();
  }
  return texts.length === 0 ? undefined : `[${texts.join(',')}]`;
}

function tooMuch(request: unknown): object | undefined {
  const call = readRequest(request);
  if (call !== undefined && call.id === undefined) return undefined;
  return failure(call?.id ?? null, rpcFault(LIMIT_EXCEEDED, 'response too large, send smaller batches'));
}

type Id = string | number | null;

async function answerOne(
  find: (name: string) => Method | undefined,
  request: unknown,
  { log }: RpcContext,
  count: CountCall,
) {
  const call = readRequest(request);
  if (call === undefined) return failure(null, rpcFault(INVALID_REQUEST, 'invalid request'));
  const { id, name, params } = call;
  const method = find(name);
  const counted = count(method === undefined ? undefined : name);
  try {
    if (method === undefined) {
      throw rpcFault(METHOD_NOT_FOUND, `the method ${name.slice(0, 64)} does not exist/is not available`);
    }
    const result = await method(params);
    counted();
    return id === undefined ? undefined : { jsonrpc: '2.0', id, result: result ?? null };
  } catch (error) {
    counted(error);
    if (isInternal(error)) log.error('RPC method failed', { method: name, error });
    return id === undefined ? undefined : failure(id, error);
  }
}

function readRequest(value: unknown): { id: Id | undefined; name: string; params: unknown[] } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, method, params } = value as Record<string, unknown>;
  if (typeof method !== 'string') return undefined;
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number') return undefined;
  if (params !== undefined && params !== null && !Array.isArray(params)) return undefined;
  return { id, name: method, params: (params as unknown[] | null | undefined) ?? [] };
}

function failure(id: Id, error: unknown) {
  return { jsonrpc: '2.0', id, error: errorBody(error) };
}

/** For callers that found the body unusable before it was parsed. */
export const requestFault = (error: FedaiError): string => JSON.stringify(failure(null, error));
