/** Request and response over streams: one stream a request, bounded in bytes, time, concurrency and rate. The door to both sides. */
import type { Libp2p } from '@libp2p/interface';
import { type Clock, type Log, type Metrics, noMetrics, steadyClock } from '../core/index.ts';
import { createAsk, type RequestOptions } from './ask.ts';
import { countRequests } from './metrics.ts';
import type { PeerScores } from './scores.ts';
import { type RequestHandler, type RequestLimits, serveProtocol } from './serve.ts';

export interface Requests {
  /** Serves `protocol`. `handler` answers one request; a coded error that it throws reaches the asker as its code only. */
  handle(protocol: string, handler: RequestHandler, limits?: Partial<RequestLimits>): Promise<void>;
  unhandle(protocol: string): Promise<void>;
  /** `peer`: a peer id or a multiaddress. The whole answer; throws `PEER_REFUSED`, `PEER_UNREACHABLE`, `REQUEST_TIMEOUT`, `TOO_LARGE`, `TRUNCATED`. */
  request(peer: string, protocol: string, request: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
  /** The answer frame by frame, as the handler yielded it. */
  requestFrames(
    peer: string,
    protocol: string,
    request: Uint8Array,
    options: RequestOptions,
  ): AsyncGenerator<Uint8Array>;
}

export function createRequests(
  libp2p: Libp2p,
  scores: PeerScores,
  log: Log,
  metrics: Metrics = noMetrics,
  clock: Clock = steadyClock,
): Requests {
  const { served, asked } = countRequests(metrics);
  const { ask, askFrames } = createAsk(libp2p, scores, asked, clock);
  return {
    handle: (protocol, handler, limits = {}) =>
      serveProtocol(
        { libp2p, scores, log: log.child({ protocol }), count: served(protocol), clock },
        protocol,
        handler,
        limits,
      ),
    unhandle: (protocol) => libp2p.unhandle(protocol),
    request: ask,
    requestFrames: askFrames,
  };
}
