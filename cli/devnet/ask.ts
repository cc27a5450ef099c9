/** One JSON-RPC question to a node of the devnet, which may be dead or busy. */

const TIMEOUT_MS = 5_000;

/** Undefined when no answer comes in time. */
export async function ask<T>(
  rpc: string,
  method: string,
  params: readonly unknown[] = [],
): Promise<T | undefined> {
  try {
    const response = await fetch(rpc, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { result } = (await response.json()) as { result?: T };
    return result ?? undefined;
  } catch {
    return undefined;
  }
}
