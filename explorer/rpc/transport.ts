/** JSON-RPC to the origin that served the page, many calls in one request. Answers that can never change are kept. */
import { FedaiError } from '../../core/index.ts';
import type { RpcTransport } from '../../market/index.ts';

/** A chain node takes a hundred calls at once; half of it leaves room for large answers. */
const MAX_BATCH = 50;
/** A hundred thousand blocks' events are a second's work for a node; one that is busy takes a few times that. */
const TIMEOUT_MS = 45_000;
/** Blocks and receipts of a long look around: some tens of megabytes at most. */
const MAX_KEPT = 4_000;

/** Blocks are final when they appear, so whatever is asked by a fixed number or hash stays as it is. */
const FIXED = new Set([
  'eth_getBlockByHash',
  'eth_getTransactionByHash',
  'eth_getTransactionReceipt',
  'eth_getBlockReceipts',
  'eth_chainId',
  'fedai_getCommit',
]);

interface Call {
  method: string;
  params: readonly unknown[];
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

export function pageTransport(url: string): RpcTransport {
  const kept = new Map<string, Promise<unknown>>();
  let waiting: Call[] = [];
  const flush = (): void => {
    const calls = waiting;
    waiting = [];
    for (let first = 0; first < calls.length; first += MAX_BATCH)
      void send(url, calls.slice(first, first + MAX_BATCH));
  };
  const ask = (method: string, params: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) queueMicrotask(() => setTimeout(flush));
      waiting.push({ method, params, resolve, reject });
    });
  return {
    request(method, params, signal) {
      if (!isFixed(method, params)) return abortable(ask(method, params), signal);
      const key = JSON.stringify([method, params]);
      const known = kept.get(key);
      if (known !== undefined) return abortable(known, signal);
      const answer = ask(method, params);
      keep(kept, key, answer);
      return abortable(answer, signal);
    },
  };
}

const isFixed = (method: string, params: readonly unknown[]): boolean =>
  FIXED.has(method) ||
  (method === 'eth_getBlockByNumber' && typeof params[0] === 'string' && params[0].startsWith('0x'));

function keep(kept: Map<string, Promise<unknown>>, key: string, answer: Promise<unknown>): void {
  kept.set(key, answer);
  const forget = () => void kept.delete(key);
  answer.then((value) => (isSettled(value) ? undefined : forget()), forget);
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}

/** A transaction that waits has no block yet. */
const isSettled = (value: unknown): boolean =>
  value !== null && (value as { blockNumber?: unknown }).blockNumber !== null;

function abortable<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    answer.then(resolve, reject);
  });
}

async function send(url: string, calls: readonly Call[]): Promise<void> {
  let answers: unknown;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(calls.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }))),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answers = await response.json();
  } catch (cause) {
    for (const { reject } of calls) reject(away(cause));
    return;
  }
  const byId = new Map(
    (Array.isArray(answers) ? answers : []).map((answer: { id?: unknown }) => [answer.id, answer]),
  );
  for (const [id, call] of calls.entries()) settle(call, byId.get(id));
}

const away = (cause: unknown): FedaiError =>
  new FedaiError(
    'RPC_UNAVAILABLE',
    'the chain node does not answer',
    {},
    { cause, transient: true, remedy: 'This page goes on by itself when the node is back.' },
  );

function settle({ method, resolve, reject }: Call, answer: unknown): void {
  const { result, error } = (answer ?? { error: null }) as {
    result?: unknown;
    error?: { message?: unknown; data?: unknown } | null;
  };
  if (error === undefined) resolve(result ?? null);
  else if (error === null) reject(away(undefined));
  else {
    const { message, data } = error;
    reject(new FedaiError('RPC_ERROR', String(message ?? 'the node refused the call'), { method, data }));
  }
}
