/** The answering side of a stream protocol. Answer: status 0 and frames, the last one empty; or status 1 and a frame with an error code. */
import type { Libp2p, Stream } from '@libp2p/interface';
import { type Clock, FedaiError, type Log, utf8 } from '../core/index.ts';
import { createFrameReader, writeBytes, writeFrame } from './frames.ts';
import { MAX_WRITE_BUFFER_BYTES } from './limits.ts';
import type { CountExchange } from './metrics.ts';
import { createRateLimiter, type RateLimiter } from './rate.ts';
import { PENALTY, type PeerScores } from './scores.ts';

export type RequestHandler = (
  request: Uint8Array,
  from: string,
  signal: AbortSignal,
) => Promise<Uint8Array> | AsyncIterable<Uint8Array>;

export interface RequestLimits {
  maxRequestBytes: number;
  /** For reading the request, the handler and writing the answer together: a peer that drips is cut off. */
  timeoutMs: number;
  perPeerPerSecond: number;
  perPeerBurst: number;
  concurrentPerPeer: number;
  concurrentTotal: number;
}

const DEFAULT_LIMITS: RequestLimits = {
  maxRequestBytes: 64 * 1024,
  timeoutMs: 30_000,
  perPeerPerSecond: 20,
  perPeerBurst: 60,
  concurrentPerPeer: 8,
  concurrentTotal: 64,
};

export const STATUS_OK = 0;
export const STATUS_ERROR = 1;

interface Serving {
  libp2p: Libp2p;
  scores: PeerScores;
  log: Log;
  count: CountExchange;
  /** Times the rates. */
  clock: Clock;
}

export async function serveProtocol(
  serving: Serving,
  protocol: string,
  handler: RequestHandler,
  partial: Partial<RequestLimits>,
): Promise<void> {
  const limits = { ...DEFAULT_LIMITS, ...partial };
  const gate = createGate(limits, serving.clock);
  await serving.libp2p.handle(
    protocol,
    async (stream, connection) => {
      const from = connection.remotePeer.toString();
      const refusal = gate.enter(from);
      if (refusal !== undefined) {
        serving.count(refusal);
        if (refusal === 'RATE_LIMITED')
          serving.scores.penalise(from, PENALTY.flooding, 'requests over the rate limit');
        return refuse(stream, refusal);
      }
      try {
        await serveOne(serving, stream, from, handler, limits);
      } finally {
        gate.leave(from);
      }
    },
    {
      maxInboundStreams: limits.concurrentPerPeer,
      maxOutboundStreams: limits.concurrentPerPeer,
      force: true,
    },
  );
}

interface Gate {
  enter(from: string): 'RATE_LIMITED' | 'BUSY' | undefined;
  leave(from: string): void;
}

function createGate(limits: RequestLimits, clock: Clock): Gate {
  const rate: RateLimiter = createRateLimiter({
    perSecond: limits.perPeerPerSecond,
    burst: limits.perPeerBurst,
  });
  const running = new Map<string, number>();
  let total = 0;
  return {
    enter(from) {
      if (!rate.take(from, clock.now())) return 'RATE_LIMITED';
      const own = running.get(from) ?? 0;
      if (own >= limits.concurrentPerPeer || total >= limits.concurrentTotal) return 'BUSY';
      running.set(from, own + 1);
      total++;
      return undefined;
    },
    leave(from) {
      total--;
      const own = (running.get(from) ?? 1) - 1;
      if (own === 0) running.delete(from);
      else running.set(from, own);
    },
  };
}

async function refuse(stream: Stream, code: string): Promise<void> {
  const signal = AbortSignal.timeout(5_000);
  try {
    await writeBytes(stream, Uint8Array.of(STATUS_ERROR), signal);
    await writeFrame(stream, utf8(code), signal);
    await stream.close({ signal });
  } catch (error) {
    stream.abort(error as Error);
  }
}

async function serveOne(
  { scores, log, count }: Serving,
  stream: Stream,
  from: string,
  handler: RequestHandler,
  limits: RequestLimits,
): Promise<void> {
  stream.maxWriteBufferLength = MAX_WRITE_BUFFER_BYTES;
  const signal = AbortSignal.timeout(limits.timeoutMs);
  const expire = () => stream.abort(new FedaiError('REQUEST_TIMEOUT', 'the exchange took too long'));
  signal.addEventListener('abort', expire, { once: true });
  const reader = createFrameReader(stream, limits.maxRequestBytes);
  try {
    const request = await reader.frame();
    const sentBytes = await answer(stream, handler(request, from, signal), signal);
    count('ok', { receivedBytes: request.length, sentBytes });
  } catch (error) {
    const code = error instanceof FedaiError ? error.code : 'INTERNAL';
    count(code);
    if (code === 'TOO_LARGE') scores.penalise(from, PENALTY.malformed, 'request larger than agreed');
    if (code === 'REQUEST_TIMEOUT') scores.penalise(from, PENALTY.slow, 'a request that does not end');
    log.debug('request failed', { from, error });
    await refuse(stream, code);
  } finally {
    signal.removeEventListener('abort', expire);
    await reader.release();
  }
}

/** Answers how many bytes went out. */
async function answer(
  stream: Stream,
  result: ReturnType<RequestHandler>,
  signal: AbortSignal,
): Promise<number> {
  let sentBytes = 0;
  if (Symbol.asyncIterator in result) {
    let started = false;
    for await (const frame of result) {
      if (!started) await writeBytes(stream, Uint8Array.of(STATUS_OK), signal);
      started = true;
      // An empty frame would read as the end; a handler has no reason to yield one.
      if (frame.length > 0) await writeFrame(stream, frame, signal);
      sentBytes += frame.length;
    }
    if (!started) await writeBytes(stream, Uint8Array.of(STATUS_OK), signal);
  } else {
    const bytes = await result;
    await writeBytes(stream, Uint8Array.of(STATUS_OK), signal);
    if (bytes.length > 0) await writeFrame(stream, bytes, signal);
    sentBytes = bytes.length;
  }
  await writeFrame(stream, new Uint8Array(0), signal);
  await stream.close({ signal });
  return sentBytes;
}
