/**
 * Finds connections on which gossip never came up and closes them, so that they are dialled anew. gossipsub opens
 * its outbound stream once a connection and never again (17.1), and not at all when identify timed out.
 */
import type { Connection, Libp2p } from '@libp2p/interface';
import type { Log } from '../core/index.ts';
import { HANDSHAKE_TIMEOUT_MS } from './limits.ts';

const GOSSIP_PROTOCOL = /^\/(?:meshsub|floodsub)\//;
/** Identify and the opening of the stream may each take the whole time-out. */
const MATURE_MS = 2 * HANDSHAKE_TIMEOUT_MS;

/** When each connection was first looked at, by the steady clock: its own `timeline` is told by one that may be set. */
const firstSeenMs = new WeakMap<Connection, number>();

export async function mendConnections(libp2p: Libp2p, log: Log, nowMs: number): Promise<void> {
  for (const peer of libp2p.getPeers()) {
    const connections = libp2p.getConnections(peer);
    const mature = connections.map((connection) => ageMs(connection, nowMs) > MATURE_MS).every(Boolean);
    if (!mature || connections.some(speaksGossip)) continue;
    const known = await libp2p.peerStore.get(peer).catch(() => undefined);
    const protocols = known?.protocols ?? [];
    // A stranger without gossip is left alone; one of whom nothing is known was never identified.
    if (protocols.length > 0 && !protocols.some((protocol) => GOSSIP_PROTOCOL.test(protocol))) continue;
    log.debug('connection without gossip is closed and dialled anew', { peer: peer.toString() });
    await libp2p.hangUp(peer).catch(() => {});
  }
}

function ageMs(connection: Connection, nowMs: number): number {
  const seenMs = firstSeenMs.get(connection) ?? nowMs;
  firstSeenMs.set(connection, seenMs);
  return nowMs - seenMs;
}

const speaksGossip = (connection: Connection): boolean =>
  connection.streams.some(
    (stream) =>
      stream.direction === 'outbound' && GOSSIP_PROTOCOL.test(stream.protocol) && stream.status === 'open',
  );
