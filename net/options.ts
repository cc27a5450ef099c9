/** The libp2p configuration of a fedai process. It builds no host: Helia does that in `storage/`, so that a process has one. */
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { type GossipSub, type GossipsubOpts, gossipsub, StrictNoSign } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type { MultiaddrConnection, PeerId, PrivateKey } from '@libp2p/interface';
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { type Ping, ping } from '@libp2p/ping';
import type { Libp2pOptions } from 'libp2p';
import { concatBytes, sha256, sleep, utf8 } from '../core/index.ts';
import { batchedTcp } from './batched.ts';
import { NEVER_TOO_OLD } from './forget.ts';
import {
  HANDSHAKE_TIMEOUT_MS,
  INBOUND_CONNECTIONS_PER_HOST_PER_SECOND,
  MAX_CONNECTIONS,
  MAX_GOSSIP_RPC_BYTES,
  MAX_WRITE_BUFFER_BYTES,
} from './limits.ts';
import { KEEP_ALIVE_MS, type Links } from './links.ts';
import type { PeerScores } from './scores.ts';

/** As package.json has it. */
const VERSION = '0.1.0';

export type HostServices = { gossip: GossipSub; dht: KadDHT; identify: Identify; ping: Ping };

export interface HostInput {
  privateKey: PrivateKey;
  /** Multiaddresses to listen on; port 0 takes a free one. */
  listen: readonly string[];
  /** Addresses to tell others instead of those listened on (behind a port forward). */
  announce?: readonly string[];
  scores: PeerScores;
  links: Links;
}

/** A busy trainer answers late: a ping is given half a minute before its connection counts as dead. A way that is gone is noticed by `links.ts`. */
const PING_TIMEOUT_MS = 30_000;
const SETTLING_MS = 100;

export function createHostOptions(input: HostInput): Libp2pOptions<HostServices> {
  const { scores, links } = input;
  const opened = async (peer: PeerId, wire: MultiaddrConnection) => {
    // The host tells of an ended connection a little later; told of the new one first, it would take that for ended.
    if (links.opened(peer.toString(), wire)) await sleep(SETTLING_MS);
    return false;
  };
  return {
    privateKey: input.privateKey,
    // Told to every peer: without it libp2p names the version of Node that runs here.
    nodeInfo: { name: 'fedai', version: VERSION, userAgent: `fedai/${VERSION}` },
    addresses: { listen: [...input.listen], announce: [...(input.announce ?? [])] },
    transports: [batchedTcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        keepAliveInterval: KEEP_ALIVE_MS,
        streamOptions: { maxWriteBufferLength: MAX_WRITE_BUFFER_BYTES },
      }),
    ],
    connectionGater: {
      denyDialPeer: async (peer) => scores.isBanned(peer.toString()),
      denyInboundEncryptedConnection: async (peer) => scores.isBanned(peer.toString()),
      denyInboundUpgradedConnection: opened,
      denyOutboundUpgradedConnection: opened,
    },
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      inboundConnectionThreshold: INBOUND_CONNECTIONS_PER_HOST_PER_SECOND,
      maxIncomingPendingConnections: INBOUND_CONNECTIONS_PER_HOST_PER_SECOND,
      dialTimeout: HANDSHAKE_TIMEOUT_MS,
      addressDialTimeout: HANDSHAKE_TIMEOUT_MS,
      inboundUpgradeTimeout: HANDSHAKE_TIMEOUT_MS,
      outboundStreamProtocolNegotiationTimeout: HANDSHAKE_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: HANDSHAKE_TIMEOUT_MS,
    },
    peerStore: NEVER_TOO_OLD,
    connectionMonitor: { pingInterval: PING_TIMEOUT_MS, pingTimeout: { minTimeout: PING_TIMEOUT_MS } },
    services: {
      identify: identify({ timeout: HANDSHAKE_TIMEOUT_MS }),
      ping: ping(),
      dht: kadDHT({
        protocol: '/fedai/kad/1',
        clientMode: false,
        // Private addresses are kept: without this nobody is found beyond the bootstrap peer on a LAN or one machine.
        peerInfoMapper: passthroughMapper,
        allowQueryWithZeroPeers: true,
      }),
      gossip: gossipsub(gossipOptions(scores)),
    },
  };
}

function gossipOptions(scores: PeerScores): Partial<GossipsubOpts> {
  return {
    // What needs an author carries its own signature (envelope or vote); signing again would double the latency.
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message) => sha256(concatBytes(utf8(`${message.topic}\n`), message.data)).subarray(0, 20),
    emitSelf: false,
    floodPublish: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    maxInboundDataLength: MAX_GOSSIP_RPC_BYTES,
    maxOutboundBufferSize: MAX_WRITE_BUFFER_BYTES,
    decodeRpcLimits: {
      maxSubscriptions: 512,
      maxMessages: 512,
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 512,
      maxPeerInfos: 16,
    },
    scoreParams: {
      appSpecificScore: (peer: string) => scores.score(peer),
      appSpecificWeight: 1,
      // Many honest processes share an address (one machine, one NAT): stake and conduct are judged, not addresses.
      IPColocationFactorWeight: 0,
    },
    scoreThresholds: {
      gossipThreshold: -20,
      publishThreshold: -50,
      graylistThreshold: -80,
    },
  };
}
