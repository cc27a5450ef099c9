/**
 * A chain node: application, consensus, network, catch-up and RPC, put together and started in order.
 * Owns their life and nothing of their rules; without a validator key it follows and serves.
 */
import { join } from 'node:path';
import {
  equalBytes,
  FedaiError,
  fromHex,
  type Hex,
  type Log,
  type Metrics,
  noMetrics,
  type Service,
  steadyClock,
  systemClock,
} from '../core/index.ts';
import { createPeer, openIntake, type Peer } from '../storage/index.ts';
import { type ChainApplication, createApplication } from './application.ts';
import { decodeBlock, encodeBlock } from './block.ts';
import { createClockWatch } from './clock-watch.ts';
import { blsScheme, type Consensus, createConsensus, createConsensusStorage } from './consensus/index.ts';
import { createEvidenceReporter } from './evidence/index.ts';
import { countMessages, measureChain, measureLog, measureStore } from './metrics.ts';
import {
  consensusTopic,
  createConsensusNetwork,
  createTxGossip,
  createWitnesses,
  serveBlock,
  serveSigned,
} from './network/index.ts';
import { removeNodeFile, writeNodeFile } from './node-file.ts';
import { listPeers } from './node-peers.ts';
import { createFinalityMeter, type FinalityMeter, type NodeStatus } from './node-status.ts';
import { type ReadyCheck, readyChecks } from './readiness.ts';
import {
  type ContentIntake,
  createContentIntake,
  createRpcServer,
  type RpcServer,
  type RpcServerOptions,
} from './rpc/index.ts';
import type { ChainSpec } from './spec/index.ts';
import { createSync, type Sync } from './sync/index.ts';
import { createWorkDesk, type WorkDesk } from './work/index.ts';

export interface ChainNodeInput {
  spec: ChainSpec;
  /** Database, sign-state, peer records and `node.json` live here. */
  dataDir: string;
  /** Absent for a follower. */
  keys?: {
    validatorSecretKey: Uint8Array;
    address: Hex;
    /** secp256k1, 32 bytes: pays for reports of equivocation; without it there are none. */
    evmPrivateKey?: Uint8Array;
  };
  /** Ed25519 seed, 32 bytes. */
  peerPrivateKey: Uint8Array;
  /** Multiaddresses; port 0 takes a free one. */
  listen: readonly string[];
  announce?: readonly string[];
  /** Beside those of the chain spec. */
  bootstrap: readonly string[];
  /** Port 0 takes a free one; `corsOrigins` are web pages that may call. */
  rpc: {
    host: string;
    port: number;
    corsOrigins?: readonly string[];
    maxConnections?: number;
    /** Folder of the explorer's built pages. */
    explorer?: string;
    /** Content blocks of callers are kept for a while: at most so many bytes; with a token, of whoever has it. */
    acceptContent?: { maxTotalBytes: number; token?: string };
  };
  log: Log;
  metrics?: Metrics;
  /** Called when going on would be unsafe (a second time says nothing new); the process should end. */
  onFault?: (cause: unknown) => void;
}

export interface ChainNode extends Service {
  readonly rpcUrl: string;
  readonly peerId: string;
  /** Multiaddresses with peer id. */
  addresses(): string[];
  status(): NodeStatus;
  /** Why this node does not serve its purpose, if so; by subject. */
  readonly ready: Readonly<Record<string, ReadyCheck>>;
}

/** The node that comes back is running (`start` is then a no-op); `stop` may be called twice. Throws what its parts throw, leaving nothing open. */
export async function createChainNode(input: ChainNodeInput): Promise<ChainNode> {
  const closers = new AsyncDisposableStack();
  try {
    return await assemble(input, closers);
  } catch (error) {
    await closers.disposeAsync();
    throw error;
  }
}

async function assemble(input: ChainNodeInput, closers: AsyncDisposableStack): Promise<ChainNode> {
  const { spec, dataDir, log, metrics = noMetrics } = input;
  const onFault = (cause: unknown) => input.onFault?.(cause);
  const application = await createApplication({
    spec,
    directory: join(dataDir, 'chain'),
    onFault,
  });
  closers.defer(() => application.close());
  measureStore(metrics, application.store);
  const peer = await createPeer({
    dataDir: join(dataDir, 'peer'),
    peerPrivateKey: input.peerPrivateKey,
    listen: input.listen,
    bootstrap: [...spec.bootstrap, ...input.bootstrap],
    log: log.child({ part: 'peer' }),
    metrics,
    onFault,
    ...(input.announce && { announce: input.announce }),
  });
  closers.defer(() => peer.stop());
  const work = spec.work && createWorkDesk({ application, peer, log: log.child({ part: 'work' }) });
  const consensus = createNodeConsensus(input, application, peer, work);
  const chainId = BigInt(spec.chainId);
  const sync = createNodeSync(input, application, peer, consensus);
  const gossip = createTxGossip({ peer, chainId, pool: application.pool, log: log.child({ part: 'tx' }) });
  const evidence = createEvidenceReporter({
    application,
    consensus,
    evmPrivateKey: input.keys?.evmPrivateKey ?? null,
    log: log.child({ part: 'evidence' }),
  });
  measureChain(metrics, { application, consensus, sync });
  const finality = createFinalityMeter();
  observe(input, application, consensus, finality);
  await serveBlock(peer, (hash) => findBlock(application, consensus, hash));
  await serveSigned(peer, (question) => consensus.answer(question));
  for (const service of [...(work ? [work] : []), consensus, sync, gossip, evidence]) {
    closers.defer(() => service.stop());
    await service.start();
  }
  const status = () => nodeStatus(application, consensus, sync, peer, finality, work);
  const rpc = await createNodeRpc(input, application, peer, {
    status,
    evidence: () => evidence.list(),
    peers: () => listPeers({ peer, chainId, heightOf: sync.heightOf, clock: systemClock }),
  });
  closers.defer(() => rpc.stop());
  await rpc.start();
  await writeNodeFile(dataDir, { rpcUrl: rpc.url, peerAddresses: peer.addresses(), pid: process.pid });
  closers.defer(() => removeNodeFile(dataDir));
  const head = application.head.height;
  log.info('chain node runs', { chainId, head, rpc: rpc.url, validator: input.keys?.address ?? null });
  return {
    rpcUrl: rpc.url,
    peerId: peer.peerId,
    addresses: peer.addresses,
    status,
    ready: readyChecks(application, sync, peer),
    async start() {},
    stop: () => closers.disposeAsync(),
  };
}

/** What is learnt from each block that becomes final. */
function observe(
  { log, keys }: ChainNodeInput,
  { store }: ChainApplication,
  consensus: Consensus,
  finality: FinalityMeter,
): void {
  const watch = createClockWatch({ clock: systemClock, steady: steadyClock, log });
  consensus.onDecided(({ block: { header, transactions }, height, finalityMs }) => {
    watch.look({
      timestamp: Number(header.timestamp),
      parentTimestamp: Number(store.block(height - 1)!.header.timestamp),
      isOwn: keys !== undefined && equalBytes(fromHex(keys.address), header.coinbase.bytes),
      isLive: finalityMs !== null,
    });
    finality.add(height, finalityMs);
    log.debug('block', { height, transactions: transactions.length, finalityMs });
  });
}

function createNodeConsensus(
  input: ChainNodeInput,
  application: ChainApplication,
  peer: Peer,
  work: WorkDesk | undefined,
): Consensus {
  const { spec, dataDir, keys, onFault, metrics = noMetrics } = input;
  const { common, store } = application;
  const chainId = BigInt(spec.chainId);
  const log = input.log.child({ part: 'consensus' });
  return createConsensus({
    chainId,
    timing: spec.consensus,
    epochBlocks: spec.epochBlocks,
    application,
    network: countMessages(metrics, createConsensusNetwork({ peer, chainId, common, log })),
    history: {
      beaconAt: async (height) => store.block(height)!.header.mixHash,
      commitAt: async (height) => store.commit(height) ?? null,
    },
    codec: { encode: encodeBlock, decode: (bytes) => decodeBlock(bytes, common) },
    storage: measureLog(metrics, createConsensusStorage(join(dataDir, 'consensus'))),
    secretKey: keys?.validatorSecretKey ?? null,
    scheme: blsScheme,
    witnesses: createWitnesses(peer, () => peer.gossip.listeners(consensusTopic(chainId)), log),
    clock: systemClock,
    log,
    ...(work && { work }),
    ...(onFault && { onFault }),
  });
}

function createNodeSync(
  { spec, log }: ChainNodeInput,
  { store, common }: ChainApplication,
  peer: Peer,
  consensus: Consensus,
): Sync {
  return createSync({
    peer,
    store,
    common,
    genesisHash: store.block(0)!.header.hash(),
    chainPeers: () => peer.gossip.listeners(consensusTopic(BigInt(spec.chainId))),
    consensus,
    clock: steadyClock,
    random: Math.random,
    log: log.child({ part: 'sync' }),
  });
}

async function createNodeRpc(
  input: ChainNodeInput,
  application: ChainApplication,
  peer: Peer,
  { status, ...told }: { status: () => NodeStatus } & Pick<RpcServerOptions, 'evidence' | 'peers'>,
): Promise<RpcServer> {
  const { rpc, log, metrics = noMetrics } = input;
  const intake = await openContentIntake(input, peer);
  return createRpcServer({
    application,
    ...rpc,
    status: () => ({ ...status(), ...(intake && { acceptsContent: intake.offer }) }),
    ...told,
    content: (cid) => contentBlock(peer, cid),
    ...(intake && { intake }),
    log: log.child({ part: 'rpc' }),
    metrics,
  });
}

async function openContentIntake(
  { rpc: { acceptContent }, log }: ChainNodeInput,
  { helia, content }: Peer,
): Promise<ContentIntake | undefined> {
  if (acceptContent === undefined) return undefined;
  const { token, maxTotalBytes } = acceptContent;
  const intake = await openIntake({
    stores: helia,
    maxTotalBytes,
    provide: (cid) => void content.provide(cid),
    log: log.child({ part: 'intake' }),
  });
  return createContentIntake(intake, token === undefined ? {} : { token });
}

/** An id that this network does not use is content that nobody has. */
async function contentBlock(peer: Peer, cid: string): Promise<Uint8Array | undefined> {
  try {
    return await peer.content.rawBlock(cid);
  } catch (error) {
    if (error instanceof FedaiError && error.code === 'BAD_CID') return undefined;
    throw error;
  }
}

function findBlock(
  application: ChainApplication,
  consensus: Consensus,
  hash: Uint8Array,
): Uint8Array | undefined {
  const proposed = consensus.proposedBlock(hash);
  if (proposed !== undefined) return encodeBlock(proposed);
  const height = application.store.heightOf(hash);
  return height === undefined ? undefined : application.store.encodedBlock(height);
}

function nodeStatus(
  application: ChainApplication,
  consensus: Consensus,
  sync: Sync,
  peer: Peer,
  finality: FinalityMeter,
  work: WorkDesk | undefined,
): NodeStatus {
  const current = consensus.status();
  return {
    height: application.head.height,
    bestKnownHeight: Math.max(application.head.height, sync.bestKnown()),
    syncing: sync.isSyncing(),
    startingHeight: sync.isSyncing() ? sync.startingHeight() : null,
    consensusHeight: current?.height ?? application.head.height + 1,
    consensusRound: current?.round ?? 0,
    consensusStep: current?.step ?? 'new',
    validator: current?.validator ?? false,
    ...finality.last(),
    peers: peer.peers().length,
    peerId: peer.peerId,
    peerAddresses: peer.addresses(),
    pendingTransactions: application.pool.count,
    replays: work?.status() ?? null,
  };
}
