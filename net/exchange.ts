/** `/fedai/peers/1`: tells a peer which others this one is connected with. Faster than a DHT walk in a small network; the DHT covers a large one. */
import type { Libp2p } from '@libp2p/interface';
import { canonicalJson, parseJson } from '../core/index.ts';
import type { Requests } from './requests.ts';

export const PEERS_PROTOCOL = '/fedai/peers/1';
const MAX_PEERS = 64;
const MAX_ADDRESSES = 8;
const MAX_TEXT = 256;
const MAX_ANSWER_BYTES = 256 * 1024;
const TIMEOUT_MS = 20_000;

export interface PeerAddresses {
  /** Peer id, base58. */
  id: string;
  /** Multiaddresses without the trailing peer id. */
  addresses: string[];
}

export async function servePeers(libp2p: Libp2p, requests: Requests): Promise<void> {
  await requests.handle(PEERS_PROTOCOL, async () => canonicalJson(await connectedPeers(libp2p)), {
    maxRequestBytes: 16,
    timeoutMs: TIMEOUT_MS,
    perPeerPerSecond: 2,
    perPeerBurst: 10,
    concurrentPerPeer: 2,
  });
}

async function connectedPeers(libp2p: Libp2p): Promise<PeerAddresses[]> {
  const out: PeerAddresses[] = [];
  for (const id of libp2p.getPeers().slice(0, MAX_PEERS)) {
    const known = await libp2p.peerStore.get(id).catch(() => undefined);
    const addresses = (known?.addresses ?? []).slice(0, MAX_ADDRESSES).map((a) => a.multiaddr.toString());
    if (addresses.length > 0) out.push({ id: id.toString(), addresses });
  }
  return out;
}

/** What `peer` says; throws as `Requests.request` does, or `BAD_JSON`. Entries of the wrong shape are left out. */
export async function askPeers(
  requests: Requests,
  peer: string,
  signal: AbortSignal,
): Promise<PeerAddresses[]> {
  const options = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, signal };
  const answer = parseJson(
    await requests.request(peer, PEERS_PROTOCOL, new Uint8Array(0), options),
    MAX_ANSWER_BYTES,
  );
  if (!Array.isArray(answer)) return [];
  return answer.slice(0, MAX_PEERS).filter(isPeerAddresses);
}

function isPeerAddresses(value: unknown): value is PeerAddresses {
  if (typeof value !== 'object' || value === null) return false;
  const { id, addresses } = value as Record<string, unknown>;
  return (
    typeof id === 'string' &&
    id.length <= MAX_TEXT &&
    Array.isArray(addresses) &&
    addresses.length <= MAX_ADDRESSES &&
    addresses.every((address) => typeof address === 'string' && address.length <= MAX_TEXT)
  );
}
