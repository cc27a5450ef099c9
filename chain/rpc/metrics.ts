/** Counts calls of JSON-RPC by method and outcome; names that nobody serves count as `other`. */
import { FedaiError, type Metrics } from '../../core/index.ts';

/** Called at the start of a call; what comes back, at its end. */
export type CountCall = (method: string | undefined) => (error?: unknown) => void;

export function countCalls(metrics: Metrics): CountCall {
  const calls = metrics.counter(
    'fedai_rpc_requests_total',
    'Calls of JSON-RPC, by method and outcome (ok, error, internal error).',
    ['method', 'outcome'],
  );
  const seconds = metrics.histogram('fedai_rpc_seconds', 'Time to answer a call of JSON-RPC, by method.', {
    labels: ['method'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
  });
  return (name) => {
    const method = name ?? 'other';
    const startedMs = performance.now();
    return (error) => {
      calls.add({ method, outcome: error === undefined ? 'ok' : outcomeOf(error) });
      seconds.observe((performance.now() - startedMs) / 1000, { method });
    };
  };
}

/** Codes of our own are few; what is not coded is a fault of ours. */
const outcomeOf = (error: unknown): string => (error instanceof FedaiError ? 'error' : 'internal error');
