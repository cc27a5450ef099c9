/** Whom the chain node is connected with, and which of them the registry knows as workers and evaluators. */
import { ask, chainStatus, node } from '../node/node.ts';
import type { Peers } from '../rpc/shapes.ts';
import type { Person } from './account.ts';
import { readPeople } from './people.ts';

export type Kind = 'chain' | 'worker' | 'evaluator' | 'other';

export interface Member {
  peerId: string;
  kind: Kind;
  /** Null for who is registered and not connected with this node. */
  link: Peers[number] | null;
  person: Person | undefined;
}

export interface NetworkView {
  /** Of the chain node that serves this page; empty when it does not tell. */
  self: string;
  members: Member[];
}

const ORDER: readonly Kind[] = ['chain', 'worker', 'evaluator', 'other'];

const kindOf = (isChainNode: boolean, person: Person | undefined): Kind => {
  if (isChainNode) return 'chain';
  if (person === undefined) return 'other';
  return (person.roles & 1) !== 0 ? 'worker' : 'evaluator';
};

export async function readNetwork(): Promise<NetworkView> {
  const [peers, { people }, status] = await Promise.all([
    ask.peers(),
    // A chain without a market has no registry.
    readPeople().catch(() => ({ people: [] as Person[] })),
    chainStatus(),
  ]);
  const byPeer = new Map(people.map((person) => [person.peerId, person]));
  const here = new Set(peers.map(({ peerId }) => peerId));
  const connected = peers.map((link): Member => {
    const person = byPeer.get(link.peerId);
    return { peerId: link.peerId, kind: kindOf(link.chainNode, person), link, person };
  });
  const away = people.flatMap((person): Member[] =>
    person.peerId === undefined || here.has(person.peerId) || person.roles === 0
      ? []
      : [{ peerId: person.peerId, kind: kindOf(false, person), link: null, person }],
  );
  const self = node.get().status?.peerId ?? status.peerId;
  const members = [...connected, ...away.filter(({ peerId }) => peerId !== self)];
  return { self, members: members.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)) };
}
