/** The trainer daemon: enrols, volunteers for jobs that fit, trains those it is assigned to, and takes its pay. Speaks JSON-RPC only. */
import { join as joinPath } from 'node:path';
import { type Clock, type Log, parseJson, type Service, systemClock, utf8 } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import {
  createJobBook,
  createMarket,
  createTrigger,
  enrol,
  followHeights,
  isFinal,
  type JobBook,
  type MarketContracts,
  type Job as PostedJob,
  type RpcTransport,
  turnOf,
  WORKER_ROLE,
} from '../market/index.ts';
import { type Peer, readFileIfPresent, writeFileAtomic } from '../storage/index.ts';
import type { WorkerContext, WorkerEvent } from './context.ts';
import { type JobRun, startJobRun } from './jobRun.ts';
import { DEFAULT_MAX_ROUND_MACS } from './offer.ts';
import { createStateExchange } from './states.ts';
import { createVolunteering, type Volunteering } from './volunteer.ts';

export interface WorkerOptions {
  rpc: string | RpcTransport;
  contracts: MarketContracts;
  keys: KeySet;
  /** Started by the caller, who also stops it after the worker. */
  peer: Peer;
  dataDir: string;
  log: Log;
  onEvent?: (event: WorkerEvent) => void;
  /** Stake to hold, wei; deposited at the start when missing. */
  stake?: bigint;
  /** Capability bits to register. */
  bands?: number;
  maxRoundMacs?: number;
  kernel?: 'auto' | 'reference' | 'wasm';
  /** How often the chain is asked for a new height. */
  pollMs?: number;
  clock?: Clock;
}

const DEFAULT_POLL_MS = 500;
const CURSOR_FILE = 'worker.json';
const MAX_CURSOR_BYTES = 1_024;

interface Daemon {
  context: WorkerContext;
  book: JobBook;
  volunteering: Volunteering;
  trigger: ReturnType<typeof createTrigger>;
  runs: Map<bigint, JobRun>;
  /** Latest view of each job with a run. */
  seen: Map<bigint, PostedJob>;
  /** Jobs of others, once their workers are fixed. */
  foreign: Set<bigint>;
  cursor: bigint;
  enrolled: boolean;
}

/** A worker that lasts until `stop`; an RPC that is away is waited for. */
export function createWorker(options: WorkerOptions): Service {
  const ended = new AbortController();
  let running: Promise<void> | undefined;
  return {
    async start() {
      if (running !== undefined) return;
      const cursor = await readCursor(options.dataDir);
      running = run(options, cursor, ended.signal);
    },
    async stop() {
      ended.abort();
      await running;
    },
  };
}

async function run(options: WorkerOptions, cursor: bigint, signal: AbortSignal): Promise<void> {
  const { log } = options;
  const daemon = await open(options, cursor, signal).catch((error: unknown) => {
    if (!signal.aborted) log.error('the worker could not start', { error });
    return undefined;
  });
  if (daemon === undefined) return;
  const { context } = daemon;
  await followHeights(context.market, (height) => onHeight(daemon, options, height), {
    pollMs: options.pollMs ?? DEFAULT_POLL_MS,
    log,
    signal,
  });
  await Promise.allSettled([...daemon.runs.values()].map((jobRun) => jobRun.stop()));
  await context.states.close();
}

async function open(options: WorkerOptions, cursor: bigint, signal: AbortSignal): Promise<Daemon> {
  const { keys, peer, dataDir, contracts, log } = options;
  const clock = options.clock ?? systemClock;
  const market = createMarket({
    rpc: options.rpc,
    contracts,
    signer: keys.evm.privateKey,
    log,
    clock,
    signal,
  });
  const states = createStateExchange(peer.requests);
  await states.serve();
  const context: WorkerContext = {
    market,
    domain: { chainId: await market.chainId(), jobManager: contracts.jobManager },
    account: keys.evm.address,
    keys,
    peer,
    states,
    dataDir,
    clock,
    log,
    onEvent: options.onEvent ?? (() => {}),
    kernel: options.kernel ?? 'auto',
    signal,
  };
  const limits = { bands: options.bands ?? 0, maxRoundMacs: options.maxRoundMacs ?? DEFAULT_MAX_ROUND_MACS };
  return {
    context,
    book: createJobBook(market, cursor),
    volunteering: createVolunteering(context, limits),
    trigger: createTrigger(market, log),
    runs: new Map(),
    seen: new Map(),
    foreign: new Set(),
    cursor,
    enrolled: false,
  };
}

async function onHeight(daemon: Daemon, options: WorkerOptions, height: number): Promise<void> {
  if (!daemon.enrolled) await join(daemon, options);
  const jobs = await daemon.book.refresh(height);
  // A settled job is listed once: its run hears of it whatever becomes of the others below.
  for (const posted of jobs) if (daemon.runs.has(posted.id)) daemon.seen.set(posted.id, posted);
  for (const posted of jobs) {
    await look(daemon, posted, height).catch((error: unknown) => {
      if (!daemon.context.signal.aborted)
        daemon.context.log.warn('a job could not be looked at', { jobId: posted.id, error });
    });
  }
  for (const [jobId, jobRun] of daemon.runs) {
    if (!jobRun.finished) jobRun.offer(daemon.seen.get(jobId)!, height);
    else {
      daemon.runs.delete(jobId);
      daemon.seen.delete(jobId);
    }
  }
  await saveCursor(daemon, options.dataDir);
}

/** Stake and registration, and pay that an earlier life of this daemon left behind. */
async function join(daemon: Daemon, options: WorkerOptions): Promise<void> {
  const { market, account, keys, peer, log } = daemon.context;
  const wish = {
    roles: WORKER_ROLE,
    bands: options.bands ?? 0,
    readerKey: keys.reader.publicKey,
    peerId: peer.libp2p.peerId.toMultihash().bytes,
    stake: options.stake ?? 0n,
  };
  await enrol(market, wish, log);
  if ((await market.withdrawable(account)) > 0n) await market.withdraw();
  daemon.enrolled = true;
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

async function readCursor(dataDir: string): Promise<bigint> {
  const bytes = await readFileIfPresent(joinPath(dataDir, CURSOR_FILE));
  if (bytes === undefined) return 1n;
  const parsed = parseJson(bytes, MAX_CURSOR_BYTES) as { firstUnsettled?: unknown };
  return BigInt(String(parsed.firstUnsettled));
}

async function saveCursor(daemon: Daemon, dataDir: string): Promise<void> {
  const { firstUnsettled } = daemon.book;
  if (firstUnsettled === daemon.cursor) return;
  const text = JSON.stringify({ firstUnsettled: firstUnsettled.toString() });
  await writeFileAtomic(joinPath(dataDir, CURSOR_FILE), utf8(text));
  daemon.cursor = firstUnsettled;
}
