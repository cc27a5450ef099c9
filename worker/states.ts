/** Training states by their root: what this worker holds, offers to its peers over a stream, and fetches from them. */
import { FedaiError, fromHex, type Hex, toHex } from '../core/index.ts';
import type { Requests } from '../net/index.ts';

export const STATE_PROTOCOL = '/fedai/state/1';

export interface StateExchange {
  hold(jobId: bigint, stateRoot: Hex, bytes: Uint8Array): void;
  held(stateRoot: Hex): Uint8Array | undefined;
  /** Forgets the states of a job that are not named. */
  keepOnly(jobId: bigint, stateRoots: ReadonlySet<Hex>): void;
  /** Bytes that a peer says are that state; the caller verifies the root. Throws what the request throws. */
  fetch(peerId: string, stateRoot: Hex, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Serves what is held. */
  serve(): Promise<void>;
  close(): Promise<void>;
}

/** A state of 16 MiB over a slow home uplink (4 Mbit/s) takes half a minute. */
const FETCH_TIMEOUT_MS = 60_000;
const ROOT_BYTES = 32;

export function createStateExchange(requests: Requests): StateExchange {
  const states = new Map<Hex, { jobId: bigint; bytes: Uint8Array }>();
  return {
    hold: (jobId, stateRoot, bytes) => void states.set(stateRoot, { jobId, bytes }),
    held: (stateRoot) => states.get(stateRoot)?.bytes,
    keepOnly(jobId, stateRoots) {
      for (const [root, entry] of states) {
        if (entry.jobId === jobId && !stateRoots.has(root)) states.delete(root);
      }
    },
    fetch: (peerId, stateRoot, maxBytes, signal) =>
      requests.request(peerId, STATE_PROTOCOL, fromHex(stateRoot, ROOT_BYTES), {
        timeoutMs: FETCH_TIMEOUT_MS,
        maxBytes,
        signal,
      }),
    serve: () =>
      requests.handle(
        STATE_PROTOCOL,
        async (request) => {
          const entry = request.length === ROOT_BYTES ? states.get(toHex(request)) : undefined;
          if (entry === undefined) throw new FedaiError('STATE_UNKNOWN', 'this state is not here');
          return entry.bytes;
        },
        { maxRequestBytes: ROOT_BYTES, timeoutMs: FETCH_TIMEOUT_MS },
      ),
    close: () => requests.unhandle(STATE_PROTOCOL),
  };
}
