/**
 * Bounds what the host remembers of peers by number instead of by age: a network that ran for weeks, or stood still
 * for weeks, must find itself again by what its members remember, and strangers must not fill anybody's memory.
 */
import type { Libp2p } from '@libp2p/interface';
import { MAX_REMEMBERED_PEERS } from './limits.ts';

/** For libp2p's peer store, whose own hour for an address and six hours for a peer are counted from when they were learnt. */
export const NEVER_TOO_OLD = {
  maxAddressAge: Number.POSITIVE_INFINITY,
  maxPeerAge: Number.POSITIVE_INFINITY,
} as const;

/** Which ones go is left to chance, so that nobody chooses; connected peers stay. */
export async function forgetSurplus(
  libp2p: Pick<Libp2p, 'peerStore' | 'getPeers'>,
  random: () => number = Math.random,
  limit = MAX_REMEMBERED_PEERS,
): Promise<void> {
  const known = await libp2p.peerStore.all();
  const connected = new Set(libp2p.getPeers().map(String));
  const away = known.filter(({ id }) => !connected.has(id.toString()));
  const surplus = Math.min(known.length - limit, away.length);
  for (let i = 0; i < surplus; i++) {
    const [one] = away.splice(Math.floor(random() * away.length), 1);
    await libp2p.peerStore.delete(one!.id);
  }
}
