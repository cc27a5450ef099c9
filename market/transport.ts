/** JSON-RPC over HTTP, with faults sorted into "try again" and "will not get better". Owns no retries. */
import { concatBytes, FedaiError } from '../core/index.ts';
import { checkAnswer } from './answers.ts';

export interface RpcTransport {
  /** Result of one call; throws `RPC_UNAVAILABLE` (transient) or `RPC_ERROR` with `data: {code, data, method}`. */
  request(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>;
}

export interface HttpTransportOptions {
  timeoutMs?: number;
  fetch?: typeof fetch;
}

/** A chain node answers in milliseconds; past this it is as good as away. */
const DEFAULT_TIMEOUT_MS = 15_000;
/** Ten thousand logs, the most that a chain node gives at once, are 20 MB. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;

/** Speaks JSON-RPC 2.0 to `url`. */
export function httpTransport(url: string, options: HttpTransportOptions = {}): RpcTransport {
  const send = options.fetch ?? fetch;
  let nextId = 1;
  return {
    async request(method, params, signal) {
      const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const body = JSON.stringify({ jsonrpc: '2.0', id: nextId++, method, params });
      const answer = await post(
        send,
        url,
        body,
        signal ? AbortSignal.any([signal, timeout]) : timeout,
        signal,
      );
      return resultOf(answer, method);
    },
  };
}

async function post(
  send: typeof fetch,
  url: string,
  body: string,
  signal: AbortSignal,
  outer: AbortSignal | undefined,
): Promise<unknown> {
  try {
    const response = await send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal,
    });
    return JSON.parse(await boundedText(response));
  } catch (cause) {
    outer?.throwIfAborted();
    throw new FedaiError(
      'RPC_UNAVAILABLE',
      'the RPC endpoint does not answer',
      { url },
      { cause, transient: true, remedy: 'check that a chain node runs and that the RPC URL is right' },
    );
  }
}

async function boundedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) {
      throw new FedaiError('TOO_LARGE', 'the answer of the RPC endpoint is larger than allowed', {
        expected: `<= ${MAX_ANSWER_BYTES} bytes`,
      });
    }
    parts.push(part);
  }
  return new TextDecoder().decode(concatBytes(...parts));
}

function resultOf(answer: unknown, method: string): unknown {
  if (typeof answer !== 'object' || answer === null) {
    throw new FedaiError('RPC_UNAVAILABLE', 'the endpoint does not speak JSON-RPC', {}, { transient: true });
  }
  const { result, error } = answer as { result?: unknown; error?: unknown };
  if (error === undefined || error === null) return checkAnswer(method, result);
  throw rpcError(error, method);
}

/** JSON-RPC code of "limit exceeded" (EIP-1474): the same call may succeed later. */
const LIMIT_EXCEEDED = -32005;

function rpcError(error: unknown, method: string): FedaiError {
  const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
  return new FedaiError(
    'RPC_ERROR',
    typeof message === 'string' ? message : 'the RPC endpoint refused the call',
    { method, code, data },
    { transient: code === LIMIT_EXCEEDED },
  );
}
