/**
 * Keeps this process connected: bootstrap peers, peers of peers, the DHT, peers remembered on disk.
 * A peer that is away is a warning and is tried again with back-off; nothing here ends the process.
 */
import type { Libp2p, PeerId } from '@libp2p/interface';
import { FedaiError, type Log, type Service, sleep, steadyClock } from '../core/index.ts';
import { createDialler, type Dialler } from './dialler.ts';
import { askPeers, servePeers } from './exchange.ts';
import { forgetSurplus } from './forget.ts';
import { TARGET_PEERS } from './limits.ts';
import type { Links } from './links.ts';
import { mendConnections } from './mend.ts';
import type { Requests } from './requests.ts';
import { PENALTY, type PeerScores } from './scores.ts';

export interface DiscoveryInput {
  libp2p: Libp2p;
  requests: Requests;
  scores: PeerScores;
  links: Links;
  /** Multiaddresses, with or without `/p2p/<id>`. */
  bootstrap: readonly string[];
  /** Stop dialling at this many peers (not for bootstrap peers). */
  targetPeers?: number;
  log: Log;
}

export interface Discovery extends Service {
  /** Peer ids connected now. */
  peers(): string[];
  /** Tells of a peer learned elsewhere (a registry, a round message). */
  suggest(peerId: string, addresses: readonly string[]): void;
}

const TICK_MS = 500;
/** Between questions to a random neighbour; who joins is asked at once, so this only mends what that missed. */
const EXCHANGE_EVERY_TICKS = 30;
const MEND_EVERY_TICKS = 20;
const DHT_WALK_EVERY_TICKS = 120;
const DHT_WALK_TIMEOUT_MS = 10_000;
const FORGET_EVERY_TICKS = 120;

export function createDiscovery(input: DiscoveryInput): Discovery {
  const { libp2p } = input;
  const stopping = new AbortController();
  const { signal } = stopping;
  const targetPeers = input.targetPeers ?? TARGET_PEERS;
  const dialler = createDialler({ libp2p, scores: input.scores, targetPeers, signal, log: input.log });
  const listening = listen(input, dialler, signal);
  let loop: Promise<void> | undefined;

  async function run(): Promise<void> {
    for (let tick = 1; !signal.aborted; tick++) {
      input.links.tick();
      dialler.dialDue();
      const connections = libp2p.getConnections();
      const chosen = connections[Math.floor(Math.random() * connections.length)]?.remotePeer.toString();
      if (tick % EXCHANGE_EVERY_TICKS === 0 && chosen) void exchangeWith(input, dialler, chosen, signal);
      if (tick % DHT_WALK_EVERY_TICKS === 0 && chosen) void walkDht(input, dialler, signal);
      if (tick % FORGET_EVERY_TICKS === 0) void forget(input);
      if (tick % MEND_EVERY_TICKS === 0) void mendConnections(libp2p, input.log, steadyClock.now());
      await sleep(TICK_MS, signal).catch(() => {});
    }
  }

  return {
    async start() {
      dialler.addBootstrap(input.bootstrap);
      for (const known of await libp2p.peerStore.all()) {
        dialler.suggest(
          known.id.toString(),
          known.addresses.map((address) => address.multiaddr.toString()),
        );
      }
      await servePeers(libp2p, input.requests);
      listening.start();
      loop = run();
    },
    async stop() {
      stopping.abort();
      listening.stop();
      await loop;
    },
    peers: () => libp2p.getPeers().map(String),
    suggest: dialler.suggest,
  };
}

/** Learns from the host's own events: who came, who went, whom the DHT saw. */
function listen(input: DiscoveryInput, dialler: Dialler, signal: AbortSignal) {
  const { libp2p, scores } = input;
  const onConnect = (event: CustomEvent<PeerId>) => {
    const peer = event.detail.toString();
    if (scores.isBanned(peer)) void libp2p.hangUp(event.detail).catch(() => {});
    else void exchangeWith(input, dialler, peer, signal);
  };
  const onDisconnect = async (event: CustomEvent<PeerId>) => {
    const known = await libp2p.peerStore.get(event.detail).catch(() => undefined);
    const addresses = known?.addresses.map((address) => address.multiaddr.toString()) ?? [];
    dialler.suggest(event.detail.toString(), addresses);
    dialler.lost(event.detail.toString());
  };
  const onFound = (event: CustomEvent<{ id: PeerId; multiaddrs: { toString(): string }[] }>) =>
    dialler.suggest(
      event.detail.id.toString(),
      event.detail.multiaddrs.map((address) => address.toString()),
    );
  return {
    start() {
      libp2p.addEventListener('peer:connect', onConnect);
      libp2p.addEventListener('peer:disconnect', onDisconnect);
      libp2p.addEventListener('peer:discovery', onFound);
    },
    stop() {
      libp2p.removeEventListener('peer:connect', onConnect);
      libp2p.removeEventListener('peer:disconnect', onDisconnect);
      libp2p.removeEventListener('peer:discovery', onFound);
    },
  };
}

async function exchangeWith(
  input: DiscoveryInput,
  dialler: Dialler,
  peer: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const { id, addresses } of await askPeers(input.requests, peer, signal)) {
      dialler.suggest(id, addresses);
    }
    dialler.dialDue();
  } catch (error) {
    if (error instanceof FedaiError && error.code === 'BAD_JSON') {
      input.scores.penalise(peer, PENALTY.malformed, 'malformed list of peers');
    }
    input.log.debug('peer exchange failed', { peer, error });
  }
}

const forget = ({ libp2p, log }: DiscoveryInput): Promise<void> =>
  forgetSurplus(libp2p).catch((error) => log.debug('surplus peers could not be forgotten', { error }));

async function walkDht(
  { libp2p, log }: DiscoveryInput,
  dialler: Dialler,
  signal: AbortSignal,
): Promise<void> {
  try {
    const bounded = AbortSignal.any([AbortSignal.timeout(DHT_WALK_TIMEOUT_MS), signal]);
    const target = crypto.getRandomValues(new Uint8Array(32));
    for await (const peer of libp2p.peerRouting.getClosestPeers(target, { signal: bounded })) {
      dialler.suggest(
        peer.id.toString(),
        peer.multiaddrs.map((address) => address.toString()),
      );
    }
  } catch (error) {
    log.debug('DHT walk ended early', { error });
  }
}
