/** One process on the network: the Helia node that builds and owns the libp2p host, and everything that hangs on it. */
import { withBitswap } from '@helia/bitswap';
import { type HeliaWithLibp2p, withLibp2pLight } from '@helia/libp2p';
import { peerIdFromString } from '@libp2p/peer-id';
import { createHeliaLight } from 'helia';
import { FedaiError, type Log, type Metrics, noMetrics, type Service, sleep } from '../core/index.ts';
import {
  createDiscovery,
  createGossip,
  createHostOptions,
  createLinks,
  createPeerScores,
  createRequests,
  type Discovery,
  type Gossip,
  type HostServices,
  hostKey,
  type Links,
  type PeerScores,
  type Requests,
} from '../net/index.ts';
import type { ContentStore } from './content.ts';
import { type Disk, openDisk } from './disk.ts';
import { createHeliaStore } from './helia-store.ts';
import { type HeliaBlockstore, openKubo } from './kubo-blocks.ts';
import { keepInKubo } from './kubo-store.ts';
import { serveContent } from './nearby.ts';
import { PeerRecords } from './peer-records.ts';

export interface PeerInput {
  /** Holds blocks, pins and known peers; created when missing; survives a kill at any instant. */
  dataDir: string;
  /** Ed25519 seed, 32 bytes. */
  peerPrivateKey: Uint8Array;
  /** Multiaddresses; `/ip4/127.0.0.1/tcp/0` takes a free port. */
  listen: readonly string[];
  announce?: readonly string[];
  bootstrap: readonly string[];
  /** RPC of a Kubo node that holds blocks and pins in place of the data directory. */
  kubo?: string;
  targetPeers?: number;
  log: Log;
  metrics?: Metrics;
  /** Hears of trouble of the machine (a full disk) that ends the process, each time it is met. */
  onFault?: (fault: FedaiError) => void;
}

export interface Peer extends Service {
  readonly helia: HeliaWithLibp2p<HostServices>;
  readonly libp2p: HeliaWithLibp2p<HostServices>['libp2p'];
  readonly peerId: string;
  readonly content: ContentStore;
  readonly gossip: Gossip;
  readonly requests: Requests;
  readonly discovery: Discovery;
  readonly scores: PeerScores;
  /** Multiaddresses with peer id, once started. */
  addresses(): string[];
  /** Connected peer ids. */
  peers(): string[];
}

/** Opens the data directory, listens and starts looking for peers: the peer that comes back is running (`start` is then a no-op). */
export async function createPeer(input: PeerInput): Promise<Peer> {
  const disk = await openDisk(input.dataDir, input.onFault);
  try {
    return await assemble(input, disk);
  } catch (error) {
    await disk.close();
    throw error;
  }
}

async function assemble(input: PeerInput, disk: Disk): Promise<Peer> {
  const { log, metrics = noMetrics } = input;
  const scores = createPeerScores();
  const links = createLinks();
  const records = new PeerRecords(disk.datastore, log);
  await records.open();
  const kubo = input.kubo === undefined ? undefined : await openKubo(input.kubo);
  const helia = await startHost(
    input,
    { blockstore: kubo?.blockstore ?? disk.blockstore, datastore: disk.datastore },
    records,
    scores,
    links,
  );
  const { libp2p } = helia;
  const gossip = createGossip(libp2p.services.gossip, scores, log, metrics);
  const requests = createRequests(libp2p, scores, log, metrics);
  const { bootstrap, targetPeers } = input;
  const discovery = createDiscovery({
    libp2p,
    requests,
    scores,
    links,
    bootstrap,
    log,
    ...(targetPeers !== undefined && { targetPeers }),
  });
  const bans = metrics.counter('fedai_peer_bans_total', 'Peers that were banned.');
  metrics.gauge('fedai_peers', 'Connected peers.', () => libp2p.getPeers().length);
  scores.onBan((peer, reason) => {
    bans.add();
    log.warn('peer banned', { peer, reason });
    void libp2p.hangUp(peerIdFromString(peer)).catch(() => {});
  });
  const content = createHeliaStore(helia, true, log, requests);
  let stopped: Promise<void> | undefined;
  const shutDown = async () => {
    await discovery.stop();
    await helia.stop();
    await records.close();
    await disk.close();
  };
  await serveContent(requests, helia.blockstore);
  await discovery.start().catch(async (error) => {
    await helia.stop();
    throw error;
  });
  return {
    helia,
    libp2p,
    peerId: libp2p.peerId.toString(),
    content: kubo === undefined ? content : keepInKubo(content, helia, kubo),
    gossip,
    requests,
    discovery,
    scores,
    addresses: () => libp2p.getMultiaddrs().map(String),
    peers: () => libp2p.getPeers().map(String),
    async start() {},
    stop: () => (stopped ??= shutDown()),
  };
}

async function startHost(
  input: PeerInput,
  disk: { blockstore: HeliaBlockstore; datastore: Disk['datastore'] },
  records: PeerRecords,
  scores: PeerScores,
  links: Links,
): Promise<HeliaWithLibp2p<HostServices>> {
  const options = createHostOptions({
    privateKey: await hostKey(input.peerPrivateKey),
    listen: input.listen,
    scores,
    links,
    ...(input.announce && { announce: input.announce }),
  });
  const light = createHeliaLight({ blockstore: disk.blockstore, datastore: disk.datastore });
  const helia = withBitswap(withLibp2pLight(light, { ...options, datastore: records }));
  try {
    await helia.start();
    askNeighboursFirst(helia);
  } catch (cause) {
    await helia.stop().catch(() => {});
    throw new FedaiError(
      'LISTEN_FAILED',
      'the network host could not start',
      { listen: input.listen },
      { cause, remedy: 'choose a free port, or stop the process that uses this one' },
    );
  }
  return helia;
}

/** Bitswap starts a walk through the DHT with every block that it wants, though a neighbour mostly answers first. */
const NEIGHBOURS_FIRST_MS = 1_000;

function askNeighboursFirst(helia: HeliaWithLibp2p<HostServices>): void {
  const { routing, libp2p } = helia;
  const find = routing.findProviders.bind(routing);
  routing.findProviders = async function* (cid, options) {
    // Whoever has the block by then ends the search by its signal.
    if (libp2p.getPeers().length > 0) await sleep(NEIGHBOURS_FIRST_MS, options?.signal);
    yield* find(cid, options);
  };
}
