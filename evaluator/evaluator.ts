/** The evaluator daemon: enrols in the pool, scores what it is drawn for, and serves results after the workers are gone. Speaks JSON-RPC only. */
import { join as joinPath } from 'node:path';
import { type Log, parseJson, type Service, utf8 } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import {
  createJobBook,
  createMarket,
  EVALUATOR_ROLE,
  enrol,
  followHeights,
  type JobBook,
  type MarketContracts,
  type Job as PostedJob,
  type RpcTransport,
} from '../market/index.ts';
import { type Peer, readFileIfPresent, writeFileAtomic } from '../storage/index.ts';
import type { EvaluatorContext, EvaluatorEvent } from './context.ts';
import { type Duty, startDuty } from './duty.ts';

export interface EvaluatorOptions {
  rpc: string | RpcTransport;
  contracts: MarketContracts;
  keys: KeySet;
  /** Started by the caller, who also stops it after the evaluator. */
  peer: Peer;
  dataDir: string;
  log: Log;
  onEvent?: (event: EvaluatorEvent) => void;
  /** Stake to hold, wei; unset means the least that an evaluator needs. */
  stake?: bigint;
  kernel?: 'auto' | 'reference' | 'wasm';
  /** How often the chain is asked for a new height. */
  pollMs?: number;
}

const DEFAULT_POLL_MS = 500;
const CURSOR_FILE = 'evaluator.json';
const MAX_CURSOR_BYTES = 1_024;

interface Daemon {
  context: EvaluatorContext;
  book: JobBook;
  duties: Map<bigint, Duty>;
  seen: Map<bigint, PostedJob>;
  cursor: bigint;
  enrolled: boolean;
}

/** An evaluator that lasts until `stop`; an RPC that is away is waited for. */
export function createEvaluator(options: EvaluatorOptions): Service {
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

async function run(options: EvaluatorOptions, cursor: bigint, signal: AbortSignal): Promise<void> {
  const { log } = options;
  const daemon = await open(options, cursor, signal).catch((error: unknown) => {
    if (!signal.aborted) log.error('the evaluator could not start', { error });
    return undefined;
  });
  if (daemon === undefined) return;
  await followHeights(daemon.context.market, (height) => onHeight(daemon, options, height), {
    pollMs: options.pollMs ?? DEFAULT_POLL_MS,
    log,
    signal,
  });
  await Promise.allSettled([...daemon.duties.values()].map((duty) => duty.stop()));
}

async function open(options: EvaluatorOptions, cursor: bigint, signal: AbortSignal): Promise<Daemon> {
  const { keys, peer, dataDir, contracts, log } = options;
  const market = createMarket({ rpc: options.rpc, contracts, signer: keys.evm.privateKey, log, signal });
  const context: EvaluatorContext = {
    market,
    domain: { chainId: await market.chainId(), jobManager: contracts.jobManager },
    account: keys.evm.address,
    keys,
    peer,
    dataDir,
    log,
    onEvent: options.onEvent ?? (() => {}),
    kernel: options.kernel ?? 'auto',
    signal,
  };
  const book = createJobBook(market, cursor);
  return { context, book, duties: new Map(), seen: new Map(), cursor, enrolled: false };
}

async function onHeight(daemon: Daemon, options: EvaluatorOptions, height: number): Promise<void> {
  if (!daemon.enrolled) await join(daemon, options);
  const { context, duties, seen } = daemon;
  for (const posted of await daemon.book.refresh(height)) {
    seen.set(posted.id, posted);
    if (!duties.has(posted.id)) duties.set(posted.id, startDuty(context, posted.id));
  }
  for (const [jobId, duty] of duties) {
    if (!duty.finished) duty.offer(seen.get(jobId)!, height);
    else {
      duties.delete(jobId);
      seen.delete(jobId);
    }
  }
  await saveCursor(daemon, options.dataDir);
}

/** Stake and registration, and pay that an earlier life of this daemon left behind. */
async function join(daemon: Daemon, options: EvaluatorOptions): Promise<void> {
  const { market, account, keys, peer, log } = daemon.context;
  const { minEvaluatorStake } = await market.parameters();
  const wish = {
    roles: EVALUATOR_ROLE,
    bands: 0,
    readerKey: keys.reader.publicKey,
    peerId: peer.libp2p.peerId.toMultihash().bytes,
    stake: options.stake ?? minEvaluatorStake,
  };
  await enrol(market, wish, log);
  if ((await market.withdrawable(account)) > 0n) await market.withdraw();
  daemon.enrolled = true;
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
