/**
 * Transactions between pools: each admitted one is gossiped once; what gossip missed (a node that was alone, a late
 * joiner) is pulled over `/fedai/txs/1`. Admission is the pool's.
 */
import {
  concatBytes,
  FedaiError,
  fromHex,
  type Log,
  reject,
  type Service,
  sleep,
  type Verdict,
} from '../../core/index.ts';
import { MAX_GOSSIP_BYTES, PENALTY } from '../../net/index.ts';
import type { Peer } from '../../storage/index.ts';
import type { TxPool } from '../txpool/index.ts';
import { TXS_PROTOCOL, txTopic } from './topics.ts';

/** Between two pulls from random peers: the longest that a lone transaction stays unknown. */
const PULL_EVERY_MS = 5_000;
/** Enough to tell a pool's transactions apart; a collision only delays one until it is mined. */
const SHORT_ID_BYTES = 8;
const MAX_KNOWN_IDS = 5_120;
const MAX_PULLED_BYTES = 2 * 1024 * 1024;
const MAX_PULLED = 512;
const PULL_TIMEOUT_MS = 10_000;

/** Only these can never be sent by an honest peer; the rest may be a matter of timing. */
const BLAMED = new Set([
  'BAD_TRANSACTION',
  'TX_BAD_SIGNATURE',
  'TX_TOO_LARGE',
  'TX_UNPROTECTED',
  'TX_INTRINSIC_GAS',
]);

export interface TxGossipInput {
  peer: Peer;
  chainId: bigint;
  pool: TxPool;
  log: Log;
}

export function createTxGossip(input: TxGossipInput): Service {
  const { peer, pool, log } = input;
  const topic = txTopic(input.chainId);
  const stopping = new AbortController();
  let unlisten: (() => void) | undefined;
  let loop: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const peers = peer.gossip.listeners(topic);
      const chosen = peers[Math.floor(Math.random() * peers.length)];
      if (chosen !== undefined) await pull(input, chosen, stopping.signal);
      await sleep(PULL_EVERY_MS, stopping.signal).catch(() => {});
    }
  }

  return {
    async start() {
      await peer.requests.handle(TXS_PROTOCOL, (request) => missing(pool, request), {
        maxRequestBytes: MAX_KNOWN_IDS * SHORT_ID_BYTES,
        perPeerPerSecond: 1,
        perPeerBurst: 5,
        concurrentPerPeer: 1,
      });
      peer.gossip.subscribe(topic, (raw) => admit(pool, raw));
      unlisten = pool.onAdded(({ raw }) => {
        if (raw.length > MAX_GOSSIP_BYTES) return;
        peer.gossip.publish(topic, raw).catch((error) => log.debug('transaction not gossiped', { error }));
      });
      loop = run();
    },
    async stop() {
      stopping.abort();
      unlisten?.();
      await loop;
    },
  };
}

async function admit(pool: TxPool, raw: Uint8Array): Promise<Verdict> {
  try {
    await pool.add(raw);
    return { verdict: 'accept' };
  } catch (error) {
    if (!(error instanceof FedaiError)) throw error;
    return BLAMED.has(error.code) ? reject(error.code) : { verdict: 'ignore', reason: error.code };
  }
}

/** `request`: short ids of what the asker has, one after another. */
async function* missing(pool: TxPool, request: Uint8Array): AsyncGenerator<Uint8Array> {
  const known = new Set<string>();
  for (let at = 0; at + SHORT_ID_BYTES <= request.length; at += SHORT_ID_BYTES) {
    known.add(Buffer.from(request.subarray(at, at + SHORT_ID_BYTES)).toString('hex'));
  }
  let bytes = 0;
  let count = 0;
  for (const { raw, hash } of pool.all()) {
    if (known.has(hash.slice(2, 2 + 2 * SHORT_ID_BYTES))) continue;
    bytes += raw.length;
    if (++count > MAX_PULLED || bytes > MAX_PULLED_BYTES) return;
    yield raw;
  }
}

async function pull({ peer, pool, log }: TxGossipInput, from: string, signal: AbortSignal): Promise<void> {
  const ids = pool.all().slice(0, MAX_KNOWN_IDS);
  const request = concatBytes(...ids.map(({ hash }) => fromHex(hash).subarray(0, SHORT_ID_BYTES)));
  const limits = { timeoutMs: PULL_TIMEOUT_MS, maxBytes: MAX_PULLED_BYTES, signal };
  try {
    for await (const raw of peer.requests.requestFrames(from, TXS_PROTOCOL, request, limits)) {
      const verdict = await admit(pool, raw);
      if (verdict.verdict !== 'reject') continue;
      peer.scores.penalise(from, PENALTY.rejected, verdict.reason);
      return;
    }
  } catch (error) {
    log.debug('transactions not pulled', { peer: from, error });
  }
}
