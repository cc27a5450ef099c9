/**
 * Drops connections whose way is gone. TCP sends again after a pause that doubles while nothing comes back, so that a
 * connection which outlived a pulled cable stays dumb for as long again; a new one speaks at once.
 */
import type { MultiaddrConnection } from '@libp2p/interface';
import { FedaiError } from '../core/index.ts';
import { endpointOf, type Probe, probeTcp } from './probe.ts';

/** Both ends ping this often (yamux), so that a connection is never quiet for longer while it works. */
export const KEEP_ALIVE_MS = 2_000;
/** Turns of `tick` (500 ms each) without a byte before the way is looked at: longer than the pause between pings. */
const QUIET_TURNS = 5;

type Wire = Pick<MultiaddrConnection, 'remoteAddr' | 'direction' | 'abort' | 'addEventListener'>;

interface Link {
  peerId: string;
  wire: Wire;
  quietTurns: number;
  probing: boolean;
}

export interface Links {
  /** A connection has finished its handshakes. Answers whether it took the place of one that was quiet. */
  opened(peerId: string, wire: Wire): boolean;
  /** Every half a second. Counts turns, not time: a process that was held up has heard nobody, which says nothing of them. */
  tick(): void;
}

export function createLinks(probe: Probe = probeTcp): Links {
  const links = new Set<Link>();

  const drop = (link: Link, why: string): void => {
    links.delete(link);
    link.wire.abort(new FedaiError('LINK_LOST', why, { peer: link.peerId }, { transient: true }));
  };

  /** Only who dialled knows an address at which the other must answer. */
  async function look(link: Link): Promise<void> {
    const endpoint = endpointOf(link.wire.remoteAddr.toString());
    if (endpoint === undefined || link.wire.direction !== 'outbound') return;
    link.probing = true;
    const answered = await probe(endpoint);
    link.probing = false;
    // A busy or stopped process is left alone, as its kernel answers: the host's own ping gives it half a minute.
    if (!answered && links.has(link) && isQuiet(link)) drop(link, 'the way to the peer is gone');
  }

  return {
    opened(peerId, wire) {
      const link: Link = { peerId, wire, quietTurns: 0, probing: false };
      // A peer that comes anew has given up what it had: gossip would go on writing to the older connection.
      const given = [...links].filter((older) => older.peerId === peerId && isQuiet(older));
      for (const older of given) drop(older, 'the peer has connected anew');
      links.add(link);
      wire.addEventListener('message', () => {
        link.quietTurns = 0;
      });
      wire.addEventListener('close', () => links.delete(link));
      return given.length > 0;
    },
    tick() {
      for (const link of links) {
        link.quietTurns++;
        if (isQuiet(link) && !link.probing) void look(link);
      }
    },
  };
}

const isQuiet = (link: Link): boolean => link.quietTurns >= QUIET_TURNS;
