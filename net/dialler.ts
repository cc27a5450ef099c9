/** Dials candidates until enough peers are connected, with back-off. Bootstrap peers are never given up; their absence is a warning. */
import type { Libp2p } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { FedaiError, type Log, steadyClock } from '../core/index.ts';
import { isMultiaddr, isPeerId, peerIdIn } from './addresses.ts';
import { type Candidate, createCandidates } from './candidates.ts';
import { HANDSHAKE_TIMEOUT_MS } from './limits.ts';
import { endpointOf, type Probe, probeTcp } from './probe.ts';
import type { PeerScores } from './scores.ts';

/** A handshake takes milliseconds of work, but the other side may be a busy trainer, or one of many starting on one machine. */
const DIAL_TIMEOUT_MS = HANDSHAKE_TIMEOUT_MS;
/** Few, so that a process that starts does not starve its own handshakes into time-outs. */
const PARALLEL_DIALS = 4;
/** Bare TCP connections, of which most are to nobody. */
const PARALLEL_PROBES = 16;
/** One line a failing bootstrap peer at its 1st, 2nd, 4th, … failure. */
const isPowerOfTwo = (n: number) => (n & (n - 1)) === 0;

export interface Dialler {
  addBootstrap(addresses: readonly string[]): void;
  suggest(peerId: string, addresses: readonly string[]): void;
  /** A connection has ended, whoever made it. */
  lost(peerId: string): void;
  /** Starts the dials that are due; never throws. */
  dialDue(): void;
}

export interface DiallerInput {
  libp2p: Libp2p;
  scores: PeerScores;
  targetPeers: number;
  signal: AbortSignal;
  log: Log;
  probe?: Probe;
  now?: () => number;
}

export function createDialler(input: DiallerInput): Dialler {
  const { libp2p, scores, targetPeers, signal, log, probe = probeTcp, now = steadyClock.now } = input;
  const candidates = createCandidates();
  const dialling = new Set<string>();
  const probing = new Set<string>();
  const self = libp2p.peerId.toString();
  /** Who answered at a bootstrap address that named nobody. */
  const answeredBy = new Map<string, string>();

  const isConnected = (key: string, connected: ReadonlySet<string>) => {
    const id = answeredBy.get(key) ?? key;
    return id === self || connected.has(id);
  };

  async function dial(candidate: Candidate): Promise<void> {
    dialling.add(candidate.key);
    try {
      const bounded = AbortSignal.any([AbortSignal.timeout(DIAL_TIMEOUT_MS), signal]);
      const connection = await libp2p.dial(dialTargets(candidate), { signal: bounded });
      candidates.succeeded(candidate.key, now());
      answeredBy.set(candidate.key, connection.remotePeer.toString());
    } catch (error) {
      if (!signal.aborted) onFailure(candidate, error);
    } finally {
      dialling.delete(candidate.key);
    }
  }

  /**
   * Whoever was away is looked for by a bare connection first: the system asks again for it after pauses that double,
   * so that a dial begun while a cable was pulled would be heard only long after it is back.
   */
  async function dialOnceReachable(candidate: Candidate): Promise<void> {
    const endpoints = candidate.addresses.map(endpointOf);
    const known = endpoints.filter((endpoint) => endpoint !== undefined);
    if (known.length < endpoints.length) return dial(candidate);
    probing.add(candidate.key);
    const answers = await Promise.all(known.map(probe));
    probing.delete(candidate.key);
    if (signal.aborted) return;
    if (answers.includes(true)) return dial(candidate);
    onFailure(candidate, new FedaiError('UNREACHABLE', 'nothing answers there', {}, { transient: true }));
  }

  function onFailure(candidate: Candidate, error: unknown): void {
    log.debug('dial failed', { peer: candidate.key, addresses: candidate.addresses, error });
    const entry = candidates.failed(candidate.key, now());
    if (entry === undefined) answeredBy.delete(candidate.key);
    if (!entry?.bootstrap || !isPowerOfTwo(entry.failures)) return;
    log.warn('bootstrap peer is away; trying again', {
      peer: candidate.addresses[0],
      attempt: entry.failures,
      error,
    });
  }

  return {
    addBootstrap(addresses) {
      for (const address of addresses) {
        const id = peerIdIn(requireMultiaddr(address));
        if (id !== self) candidates.add(id ?? address, [address], true);
      }
    },
    suggest(peerId, addresses) {
      const usable = addresses.filter(isMultiaddr);
      if (peerId !== self && usable.length > 0 && isPeerId(peerId)) candidates.add(peerId, usable);
    },
    lost: (peerId) => candidates.lost(peerId, now()),
    dialDue() {
      const connected = connectedPeers(libp2p);
      for (const candidate of candidates.due(now())) {
        const { key } = candidate;
        if (dialling.size >= PARALLEL_DIALS) return;
        if (!candidate.bootstrap && connected.size + dialling.size >= targetPeers) return;
        if (dialling.has(key) || probing.has(key)) continue;
        if (isConnected(key, connected) || scores.isBanned(key)) continue;
        if (candidate.failures === 0 && candidate.metAtMs === undefined) void dial(candidate);
        else if (probing.size < PARALLEL_PROBES) void dialOnceReachable(candidate);
      }
    },
  };
}

/** Ids of connected peers. Read off the connections, whose ids keep their text; `getPeers` decodes every id anew. */
const connectedPeers = (libp2p: Libp2p): Set<string> =>
  new Set(libp2p.getConnections().map(({ remotePeer }) => remotePeer.toString()));

function requireMultiaddr(address: string): string {
  if (isMultiaddr(address)) return address;
  throw new FedaiError(
    'BAD_ADDRESS',
    'a bootstrap address is not a multiaddress',
    { got: address },
    { remedy: 'write it like /ip4/127.0.0.1/tcp/4001/p2p/12D3Koo…' },
  );
}

function dialTargets(candidate: Candidate) {
  if (candidate.bootstrap) return candidate.addresses.map((address) => multiaddr(address));
  const suffix = `/p2p/${candidate.key}`;
  return candidate.addresses.map((address) =>
    multiaddr(peerIdIn(address) === undefined ? address + suffix : address),
  );
}
