/** Counts the calls of a daemon to its RPC, by method and outcome, and knows whether the RPC answers. */
import { FedaiError, type Metrics, steadyClock } from '../core/index.ts';
import type { RpcTransport } from './transport.ts';

export interface MeasuredTransport extends RpcTransport {
  /** For how long every call has failed, seconds; 0 when the last one was answered, undefined before the first. */
  awaySeconds(): number | undefined;
}

export function measureTransport(metrics: Metrics, transport: RpcTransport): MeasuredTransport {
  const calls = metrics.counter(
    'fedai_rpc_client_requests_total',
    'Calls to the RPC, by method and outcome (ok, refused, unavailable).',
    ['method', 'outcome'],
  );
  const seconds = metrics.histogram(
    'fedai_rpc_client_seconds',
    'Time until the RPC answered or the call failed.',
  );
  let isKnown = false;
  let awaySinceMs: number | undefined;
  return {
    async request(method, params, signal) {
      const startedMs = steadyClock.now();
      const ended = (outcome: 'ok' | 'refused' | 'unavailable') => {
        isKnown = true;
        if (outcome === 'unavailable') awaySinceMs ??= startedMs;
        else awaySinceMs = undefined;
        calls.add({ method, outcome });
        seconds.observe((steadyClock.now() - startedMs) / 1000);
      };
      try {
        const result = await transport.request(method, params, signal);
        ended('ok');
        return result;
      } catch (error) {
        if (!signal?.aborted) {
          ended(error instanceof FedaiError && error.code === 'RPC_ERROR' ? 'refused' : 'unavailable');
        }
        throw error;
      }
    },
    awaySeconds() {
      if (!isKnown) return undefined;
      return awaySinceMs === undefined ? 0 : (steadyClock.now() - awaySinceMs) / 1000;
    },
  };
}

const WEI_DIGITS = 18;

/** As metrics hold it: close enough for a curve, not for an account. */
export const trainOf = (wei: bigint): number => Number(wei) / 10 ** WEI_DIGITS;
