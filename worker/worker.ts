/** The trainer daemon: enrols, volunteers for jobs that fit, trains those it is assigned to, and takes its pay. Speaks JSON-RPC only. */
import { join as joinPath } from 'node:path';
import {
  type Clock,
  type FedaiError,
  type Log,
  type Metrics,
  noMetrics,
  type Service,
  steadyClock,
  systemClock,
} from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import type { KernelName } from '../engine/index.ts';
import type { ReplayLimits } from '../job/index.ts';
import {
  createMarket,
  createMarketDaemon,
  createTrigger,
  type DaemonDuties,
  isFinal,
  type MarketContracts,
  type Job as PostedJob,
  type RpcTransport,
  turnOf,
  WORKER_ROLE,
} from '../market/index.ts';
import { type Peer, readFileIfPresent, writeFileAtomic } from '../storage/index.ts';
import type { WorkerContext, WorkerEvent } from './context.ts';
import { type JobRun, startJobRun } from './jobRun.ts';
import { measureWorker } from './metrics.ts';
import { DEFAULT_MAX_ROUND_MACS } from './offer.ts';
import { createOpener, type DrawnSegment, type Opener } from './opener.ts';
import { createStateExchange } from './states.ts';
import { createSupplier, type Supplier } from './supplier.ts';
import { createVolunteering, type Volunteering } from './volunteer.ts';

export interface WorkerOptions {
  rpc: string | RpcTransport;
  contracts: MarketContracts;
  keys: KeySet;
  /** Started by the caller, who also stops it after the worker. */
  peer: Peer;
  dataDir: string;
  log: Log;
  metrics?: Metrics;
  onEvent?: (event: WorkerEvent) => void;
  /** Hears of trouble of the machine (a full disk); the process should end. */
  onFault?: (fault: FedaiError) => void;
  /** Stake to hold, wei; deposited at the start when missing. */
  stake?: bigint;
  /** Capability bits to register. */
  bands?: number;
  maxRoundMacs?: number;
  /** Of the chain: what a segment may cost that validators replay. */
  replayLimits?: ReplayLimits | undefined;
  kernel?: 'auto' | KernelName;
  /** That train together; 1 when absent. The result does not depend on them. */
  threads?: number;
  /** How often the chain is asked for a new height. */
  pollMs?: number;
  clock?: Clock;
}

const CURSOR_FILE = 'worker.json';

interface Daemon {
  context: WorkerContext;
  volunteering: Volunteering;
  trigger: ReturnType<typeof createTrigger>;
  runs: Map<bigint, JobRun>;
  opener: Opener;
  supplier: Supplier | undefined;
  /** Latest view of each job with a run. */
  seen: Map<bigint, PostedJob>;
  /** Jobs of others, once their workers are fixed. */
  foreign: Set<bigint>;
}

/** A worker that lasts until `stop`; an RPC that is away is waited for. */
export function createWorker(options: WorkerOptions): Service {
  const { log, pollMs, dataDir } = options;
  const path = joinPath(dataDir, CURSOR_FILE);
  const cursor = {
    read: () => readFileIfPresent(path),
    write: (bytes: Uint8Array) => writeFileAtomic(path, bytes),
  };
  return createMarketDaemon({
    log,
    pollMs,
    cursor,
    onFault: options.onFault,
    open: (signal) => open(options, signal),
  });
}

async function open(options: WorkerOptions, signal: AbortSignal): Promise<DaemonDuties> {
  const { keys, peer, dataDir, contracts, log, rpc } = options;
  const steady = options.clock ?? steadyClock;
  const market = createMarket({ rpc, contracts, signer: keys.evm.privateKey, log, clock: steady, signal });
  const chainId = await market.chainId();
  const states = createStateExchange(peer.requests);
  await states.serve();
  const context: WorkerContext = {
    market,
    domain: { chainId, jobManager: contracts.jobManager },
    account: keys.evm.address,
    keys,
    peer,
    states,
    dataDir,
    clock: options.clock ?? systemClock,
    steady,
    log,
    onEvent: measureWorker(options.metrics ?? noMetrics, options.onEvent ?? (() => {}), steady),
    onFault: options.onFault ?? (() => {}),
    kernel: options.kernel ?? 'auto',
    threads: options.threads ?? 1,
    signal,
  };
  const bands = options.bands ?? 0;
  const limits = {
    bands,
    maxRoundMacs: options.maxRoundMacs ?? DEFAULT_MAX_ROUND_MACS,
    replay: options.replayLimits,
  };
  const runs = new Map<bigint, JobRun>();
  const bundleOf = async (asked: DrawnSegment) => await runs.get(asked.jobId)?.bundle(asked);
  const opener = createOpener(context, bundleOf);
  const supplier = market.court && createSupplier(context, market.court, bundleOf);
  const daemon: Daemon = {
    context,
    volunteering: createVolunteering(context, limits),
    trigger: createTrigger(market, log),
    runs,
    opener,
    supplier,
    seen: new Map(),
    foreign: new Set(),
  };
  return {
    market,
    wish: async () => ({
      roles: WORKER_ROLE,
      bands,
      readerKey: keys.reader.publicKey,
      peerId: peer.libp2p.peerId.toMultihash().bytes,
      stake: options.stake ?? 0n,
    }),
    onJobs: (jobs, height) => onJobs(daemon, jobs, height),
    unfinished: () => daemon.runs.keys(),
    async close() {
      await Promise.all([opener.close(), supplier?.close()]);
      await Promise.allSettled([...daemon.runs.values()].map((jobRun) => jobRun.stop()));
      await states.close();
    },
  };
}

async function onJobs(daemon: Daemon, jobs: PostedJob[], height: number): Promise<void> {
  // A settled job is listed once: its run hears of it whatever becomes of the others below.
  for (const posted of jobs) if (daemon.runs.has(posted.id)) daemon.seen.set(posted.id, posted);
  for (const posted of jobs) {
    await look(daemon, posted, height).catch((error: unknown) => {
      if (!daemon.context.signal.aborted)
        daemon.context.log.warn('a job could not be looked at', { jobId: posted.id, error });
    });
  }
  if (daemon.runs.size > 0) {
    daemon.opener.look(height);
    daemon.supplier?.look(height);
  }
  for (const [jobId, jobRun] of daemon.runs) {
    if (!jobRun.finished) jobRun.offer(daemon.seen.get(jobId)!, height);
    else {
      daemon.runs.delete(jobId);
      daemon.seen.delete(jobId);
    }
  }
}

async function look(daemon: Daemon, posted: PostedJob, height: number): Promise<void> {
  const { context, volunteering, runs } = daemon;
  if (posted.state === 'Open') {
    volunteering.consider(posted);
    if (volunteering.stoodFor.has(posted.id)) await closeInTurn(daemon, posted, height);
    return;
  }
  if (daemon.foreign.has(posted.id)) return;
  if (!runs.has(posted.id)) {
    const workers = await context.market.workersOf(posted.id);
    if (!workers.includes(context.account)) {
      daemon.foreign.add(posted.id);
      return;
    }
    runs.set(posted.id, startJobRun(context, posted.id, workers));
  }
  daemon.seen.set(posted.id, posted);
  if (isFinal(posted.state)) daemon.foreign.add(posted.id);
}

async function closeInTurn({ context, trigger }: Daemon, posted: PostedJob, height: number): Promise<void> {
  if (height < posted.drawHeight) return;
  const volunteers = await context.market.volunteersOf(posted.id);
  const turn = 1 + turnOf(posted.id, 'closeAssignment', context.account, volunteers);
  await trigger({ job: posted, height, pending: 1, turn });
}
