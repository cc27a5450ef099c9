/** Several JSON-RPC endpoints as one: whichever answered last is asked first, and when it is away the next takes over. */
import { FedaiError } from '../core/index.ts';
import type { RpcTransport } from './transport.ts';

/**
 * Throws what the last one threw when all are away. An endpoint that answers with an error has answered. They may differ
 * by a block or two: callers already live with a height that stands still or a nonce that is known elsewhere.
 */
export function failover(transports: readonly [RpcTransport, ...RpcTransport[]]): RpcTransport {
  if (transports.length === 1) return transports[0];
  let current = 0;
  return {
    async request(method, params, signal) {
      const first = current;
      for (let i = 0; ; i++) {
        const index = (first + i) % transports.length;
        try {
          const result = await transports[index]!.request(method, params, signal);
          current = index;
          return result;
        } catch (error) {
          const isAway = error instanceof FedaiError && error.code === 'RPC_UNAVAILABLE';
          if (!isAway || i + 1 === transports.length) throw error;
          current = (index + 1) % transports.length;
        }
      }
    },
  };
}
