/**
 * The life that worker and evaluator share: enrol once the RPC is there, follow the heights, hand over the jobs that are
 * not settled, remember the first of them across restarts. Owns no duties and no files.
 */
import { type FedaiError, type Log, type Service, sleep, tellHostFault, utf8 } from '../core/index.ts';
import { type EnrolmentWish, enrol } from './enrol.ts';
import { followHeights } from './follow.ts';
import { createJobBook } from './jobBook.ts';
import type { Market } from './market.ts';
import type { Job } from './types.ts';

/** One small file, written whole. */
export interface DaemonFile {
  read(): Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array): Promise<void>;
}

/** What a role does with its jobs. */
export interface DaemonDuties {
  market: Market;
  wish(): Promise<EnrolmentWish>;
  /** Every unsettled job as of `height`; a settled one appears one last time. */
  onJobs(jobs: Job[], height: number): Promise<void>;
  /** Jobs with something left to do, settled ones too: pay to take, results to keep. */
  unfinished(): Iterable<bigint>;
  close(): Promise<void>;
}

export interface MarketDaemonOptions {
  log: Log;
  pollMs?: number | undefined;
  /** Holds the lowest id that is not settled and done with. */
  cursor: DaemonFile;
  /** Hears of trouble of the machine (a full disk) that ends the process. */
  onFault?: ((fault: FedaiError) => void) | undefined;
  /** The signal aborts at `stop`. */
  open(signal: AbortSignal): Promise<DaemonDuties>;
}

const DEFAULT_POLL_MS = 500;
const MAX_CURSOR_BYTES = 1_024;
/** A start that fails is tried again: what was in its way may go away. */
const OPEN_AGAIN_MS = 10_000;

/** Lasts until `stop`; an RPC that is away is waited for. */
export function createMarketDaemon(options: MarketDaemonOptions): Service {
  const ended = new AbortController();
  let running: Promise<void> | undefined;
  return {
    async start() {
      if (running !== undefined) return;
      const cursor = readCursor(await options.cursor.read(), options.log);
      running = run(options, cursor, ended.signal);
    },
    async stop() {
      ended.abort();
      await running;
    },
  };
}

async function run(options: MarketDaemonOptions, firstUnsettled: bigint, signal: AbortSignal): Promise<void> {
  const { log } = options;
  const duties = await openPatiently(options, signal);
  if (duties === undefined) return;
  const { market } = duties;
  const book = createJobBook(market, firstUnsettled);
  let cursor = firstUnsettled;
  let enrolled = false;
  const onHeight = async (height: number): Promise<void> => {
    if (!enrolled) await join(duties, log);
    enrolled = true;
    await duties.onJobs(await book.refresh(height), height);
    const first = leastOf(book.firstUnsettled, duties.unfinished());
    if (first === cursor) return;
    await writeCursor(options, first);
    cursor = first;
  };
  await followHeights(market, onHeight, { pollMs: options.pollMs ?? DEFAULT_POLL_MS, log, signal });
  await duties.close();
}

/** A kill between the settlement of a job and the last step of its duties must not lose that step. */
function leastOf(firstUnsettled: bigint, unfinished: Iterable<bigint>): bigint {
  let least = firstUnsettled;
  for (const id of unfinished) if (id < least) least = id;
  return least;
}

async function writeCursor(
  { cursor, onFault = () => {} }: MarketDaemonOptions,
  firstUnsettled: bigint,
): Promise<void> {
  try {
    await cursor.write(utf8(JSON.stringify({ firstUnsettled: firstUnsettled.toString() })));
  } catch (error) {
    tellHostFault(error, onFault);
    throw error;
  }
}

async function openPatiently(
  { open, log }: MarketDaemonOptions,
  signal: AbortSignal,
): Promise<DaemonDuties | undefined> {
  while (!signal.aborted) {
    try {
      return await open(signal);
    } catch (error) {
      if (signal.aborted) break;
      log.error('the daemon could not start and will try again', { error, delayMs: OPEN_AGAIN_MS });
      await sleep(OPEN_AGAIN_MS, signal).catch(() => {});
    }
  }
  return undefined;
}

/** Stake and registration, and pay that an earlier life of this daemon left behind. */
async function join({ market, wish }: DaemonDuties, log: Log): Promise<void> {
  await enrol(market, await wish(), log);
  if ((await market.withdrawable(market.account!)) > 0n) await market.withdraw();
}

const CURSOR_TEXT = /^\{"firstUnsettled":"([1-9]\d{0,77})"\}$/;

/** It only saves work: without it, or with a damaged one, every job is looked at anew. */
function readCursor(bytes: Uint8Array | undefined, log: Log): bigint {
  if (bytes === undefined) return 1n;
  const text = new TextDecoder().decode(bytes.subarray(0, MAX_CURSOR_BYTES));
  const found = CURSOR_TEXT.exec(text)?.[1];
  if (found !== undefined) return BigInt(found);
  log.warn('the file that says which jobs are settled is damaged; looking at all of them');
  return 1n;
}
