/** The asking side of a stream protocol. Names every failure by code, so that callers can tell a refusal from a dead peer. */
import type { Libp2p, PeerId, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type Clock, concatBytes, FedaiError, steadyClock } from '../core/index.ts';
import { peerIdIn } from './addresses.ts';
import { createFrameReader, type FrameReader, writeFrame } from './frames.ts';
import { MAX_WRITE_BUFFER_BYTES } from './limits.ts';
import type { CountExchange } from './metrics.ts';
import { PENALTY, type PeerScores } from './scores.ts';
import { STATUS_ERROR, STATUS_OK } from './serve.ts';

export interface RequestOptions {
  /** From dialling to the last byte. */
  timeoutMs: number;
  /** The largest answer that is taken in. */
  maxBytes: number;
  signal?: AbortSignal;
}

/** An error code of a peer, not a story. */
const MAX_CODE_BYTES = 64;

type Ask = (
  peer: string,
  protocol: string,
  request: Uint8Array,
  options: RequestOptions,
) => Promise<Uint8Array>;
type AskFrames = (
  peer: string,
  protocol: string,
  request: Uint8Array,
  options: RequestOptions,
) => AsyncGenerator<Uint8Array>;

export function createAsk(
  libp2p: Libp2p,
  scores: PeerScores,
  asked: (protocol: string) => CountExchange = () => () => {},
  clock: Clock = steadyClock,
): { ask: Ask; askFrames: AskFrames } {
  async function* askFrames(peer: string, protocol: string, request: Uint8Array, options: RequestOptions) {
    const count = asked(protocol);
    let receivedBytes = 0;
    try {
      for await (const frame of exchange(peer, protocol, request, options)) {
        receivedBytes += frame.length;
        yield frame;
      }
    } catch (error) {
      count(error instanceof FedaiError ? error.code : 'CANCELLED');
      throw error;
    }
    count('ok', { receivedBytes, sentBytes: request.length });
  }

  async function* exchange(peer: string, protocol: string, request: Uint8Array, options: RequestOptions) {
    const expiry = new AbortController();
    const timer = clock.setTimer(options.timeoutMs, () => expiry.abort());
    const timeout = expiry.signal;
    const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
    const stream = await open(libp2p, peer, protocol, signal).catch((error) => {
      timer.cancel();
      throw error;
    });
    stream.maxWriteBufferLength = MAX_WRITE_BUFFER_BYTES;
    const expire = () => stream.abort(new FedaiError('REQUEST_TIMEOUT', 'the peer did not answer in time'));
    signal.addEventListener('abort', expire, { once: true });
    const reader = createFrameReader(stream, options.maxBytes);
    let finished = false;
    try {
      await writeFrame(stream, request, signal);
      yield* readAnswer(reader, protocol);
      finished = true;
    } catch (error) {
      throw explain(
        error,
        peer.startsWith('/') ? (peerIdIn(peer) ?? peer) : peer,
        protocol,
        timeout,
        options.signal,
        scores,
      );
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', expire);
      await reader.release();
      if (finished) await stream.close({ signal }).catch(() => {});
      else stream.abort(new FedaiError('CANCELLED', 'the answer is not wanted any more'));
    }
  }

  async function ask(peer: string, protocol: string, request: Uint8Array, options: RequestOptions) {
    const frames: Uint8Array[] = [];
    for await (const frame of askFrames(peer, protocol, request, options)) frames.push(frame);
    return frames.length === 1 ? frames[0]! : concatBytes(...frames);
  }

  return { ask, askFrames };
}

async function* readAnswer(reader: FrameReader, protocol: string): AsyncGenerator<Uint8Array> {
  const status = (await reader.bytes(1))[0];
  if (status === STATUS_ERROR) {
    const code = new TextDecoder().decode((await reader.frame()).subarray(0, MAX_CODE_BYTES));
    throw new FedaiError(
      'PEER_REFUSED',
      `the peer refused: ${code}`,
      { protocol, reason: code },
      { transient: true },
    );
  }
  if (status !== STATUS_OK) throw new FedaiError('MALFORMED', 'unknown status byte', { got: status });
  for (;;) {
    const frame = await reader.frame();
    if (frame.length === 0) return;
    yield frame;
  }
}

async function open(libp2p: Libp2p, peer: string, protocol: string, signal: AbortSignal): Promise<Stream> {
  try {
    const target: PeerId | Multiaddr = peer.startsWith('/') ? multiaddr(peer) : peerIdFromString(peer);
    return await libp2p.dialProtocol(target, protocol, { signal });
  } catch (cause) {
    throw new FedaiError(
      'PEER_UNREACHABLE',
      'the peer cannot be reached',
      { peer, protocol },
      { transient: true, cause, remedy: 'check that the peer runs and its address is right' },
    );
  }
}

function explain(
  error: unknown,
  peer: string,
  protocol: string,
  timeout: AbortSignal,
  cancelled: AbortSignal | undefined,
  scores: PeerScores,
): unknown {
  if (cancelled?.aborted) return cancelled.reason;
  if (timeout.aborted) {
    return new FedaiError(
      'REQUEST_TIMEOUT',
      'the peer did not answer in time',
      { peer, protocol },
      { transient: true },
    );
  }
  if (error instanceof FedaiError) {
    if (error.code === 'TOO_LARGE' || error.code === 'MALFORMED') {
      scores.penalise(peer, PENALTY.malformed, error.message);
    }
    return error;
  }
  return new FedaiError(
    'PEER_UNREACHABLE',
    'the connection broke off',
    { peer, protocol },
    { transient: true, cause: error },
  );
}
