/**
 * Whom a chain node is connected with (`fedai_getPeers`): names that the network knows anyway, and nothing of where they
 * are. A stranger chose his version text, so it is cut to what is safe to print.
 */
import type { Clock } from '../core/index.ts';
import type { Peer } from '../storage/index.ts';
import { consensusTopic } from './network/index.ts';

export interface PeerReport {
  readonly peerId: string;
  /** Whether it runs this chain; else it is a worker, an evaluator, a client or a stranger. */
  readonly chainNode: boolean;
  /** The height that it last said or proved; null where it said none. */
  readonly height: number | null;
  /** What it says that it runs, 64 characters at most; null before it said. */
  readonly version: string | null;
  /** Who called whom. */
  readonly direction: 'inbound' | 'outbound';
  readonly connectedSeconds: number;
}

/** More connections than a node keeps; an answer of some 50 kB. */
const MAX_PEERS = 300;
const MAX_VERSION = 64;

export interface PeersInput {
  readonly peer: Pick<Peer, 'libp2p' | 'gossip'>;
  readonly chainId: bigint;
  readonly heightOf: (peer: string) => number | undefined;
  readonly clock: Clock;
}

/** Chain nodes first, then by name. */
export async function listPeers({
  peer: { libp2p, gossip },
  chainId,
  heightOf,
  clock,
}: PeersInput): Promise<PeerReport[]> {
  const chain = new Set(gossip.listeners(consensusTopic(chainId)));
  const oldest = new Map<string, ReturnType<typeof libp2p.getConnections>[number]>();
  for (const connection of libp2p.getConnections()) {
    const id = connection.remotePeer.toString();
    const known = oldest.get(id);
    if (known === undefined || connection.timeline.open < known.timeline.open) oldest.set(id, connection);
  }
  const sorted = [...oldest].sort(
    ([a], [b]) => Number(chain.has(b)) - Number(chain.has(a)) || (a < b ? -1 : 1),
  );
  return await Promise.all(
    sorted.slice(0, MAX_PEERS).map(async ([peerId, { remotePeer, direction, timeline }]) => ({
      peerId,
      chainNode: chain.has(peerId),
      height: heightOf(peerId) ?? null,
      version: await libp2p.peerStore.get(remotePeer).then(
        ({ metadata }) => printable(metadata.get('AgentVersion')),
        () => null,
      ),
      direction,
      connectedSeconds: Math.max(0, Math.floor((clock.now() - timeline.open) / 1_000)),
    })),
  );
}

function printable(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) return null;
  const text = String.fromCharCode(...bytes.subarray(0, MAX_VERSION)).replace(/[^ -~]/g, '');
  return text === '' ? null : text;
}
