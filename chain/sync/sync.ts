/**
 * Catch-up: learns how far peers are, fetches final blocks that this node lacks from several of them, and hands each
 * with its commit to consensus, which verifies before it applies. A peer that lies or fails is rested or blamed.
 */
import type { Common } from '@ethereumjs/common';
import { type Clock, equalBytes, FedaiError, type Log, type Service, sleep } from '../../core/index.ts';
import { PENALTY } from '../../net/index.ts';
import type { Peer } from '../../storage/index.ts';
import type { Consensus } from '../consensus/index.ts';
import { BLOCKS_PROTOCOL, STATUS_PROTOCOL } from '../network/index.ts';
import type { ChainStore } from '../store/index.ts';
import {
  type ChainStatus,
  decodeFinalBlock,
  decodeStatus,
  encodeRange,
  type FinalBlock,
  MAX_RANGE_ANSWER_BYTES,
  MAX_RANGE_BLOCKS,
  MAX_STATUS_BYTES,
} from './messages.ts';
import { createPeerHeights, type PeerHeights } from './peer-heights.ts';
import { serveSync } from './serve.ts';

export interface SyncInput {
  peer: Pick<Peer, 'requests' | 'scores'>;
  store: Pick<ChainStore, 'height' | 'block' | 'encodedBlock' | 'commit'>;
  common: Common;
  genesisHash: Uint8Array;
  /** Connected peers that run this chain. */
  chainPeers: () => string[];
  consensus: Pick<Consensus, 'applyDecided' | 'onBehind' | 'provesHead'>;
  clock: Clock;
  /** Uniform in [0, 1): which peers are asked. */
  random: () => number;
  log: Log;
}

export interface Sync extends Service {
  /** Greatest height that a peer proved to be final; 0 before any did. */
  bestKnown(): number;
  /** More than one block behind it. */
  isSyncing(): boolean;
}

/** A node that votes learns of new heights from votes; this is for one that hears none. */
const POLL_EVERY_MS = 1_000;
/** Of one poll: an answer from one honest peer is enough. */
const POLLED_PEERS = 4;
const ASK_TIMEOUT_MS = 5_000;
const RANGE_TIMEOUT_MS = 10_000;
/** Polls without progress after which even a single missing block is fetched: consensus usually brings it sooner. */
const PATIENCE_POLLS = 2;

export function createSync(input: SyncInput): Sync {
  const { peer, store, log } = input;
  const heights = createPeerHeights();
  const stopping = new AbortController();
  let loops: Promise<unknown> | undefined;
  /** Consensus itself said that this node is behind. */
  let urgent = false;
  let wake: () => void = () => {};

  const status = (): ChainStatus => ({
    genesisHash: input.genesisHash,
    height: store.height,
    headHash: store.block(store.height)!.header.hash(),
    commit: store.commit(store.height) ?? null,
  });

  async function run(): Promise<void> {
    let last = -1;
    let stalled = 0;
    while (!stopping.signal.aborted) {
      stalled = store.height === last ? stalled + 1 : 0;
      last = store.height;
      const missing = heights.best(input.clock.now()) - store.height;
      if (missing >= 2 || (missing === 1 && (urgent || stalled >= PATIENCE_POLLS))) {
        await catchUp(input, heights, stopping.signal).catch((error) =>
          log.error('catch-up failed', { error }),
        );
      }
      urgent = false;
      await nap();
    }
  }

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      await pollPeers(input, heights, stopping.signal);
      await sleep(POLL_EVERY_MS, stopping.signal, input.clock).catch(() => {});
    }
  }

  const nap = () =>
    Promise.race([
      sleep(POLL_EVERY_MS, stopping.signal, input.clock).catch(() => {}),
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
    ]);

  return {
    async start() {
      await serveSync(peer, store, status);
      input.consensus.onBehind((height, from) => {
        // A message of height h shows that h − 1 is final.
        heights.claim(from, height - 1);
        urgent = true;
        wake();
      });
      loops = Promise.all([run(), poll()]);
    },
    async stop() {
      stopping.abort();
      await loops;
    },
    bestKnown: () => heights.bestProven(),
    isSyncing: () => heights.bestProven() > store.height + 1,
  };
}

async function pollPeers(input: SyncInput, heights: PeerHeights, signal: AbortSignal): Promise<void> {
  const limits = { timeoutMs: ASK_TIMEOUT_MS, maxBytes: MAX_STATUS_BYTES, signal };
  const ask = async (id: string): Promise<void> => {
    try {
      const answer = await input.peer.requests.request(id, STATUS_PROTOCOL, new Uint8Array(0), limits);
      const status = decodeStatus(answer);
      if (!equalBytes(status.genesisHash, input.genesisHash)) heights.forget(id);
      else if (status.height <= input.store.height) return;
      else if (await isProven(input, status)) heights.prove(id, status.height);
      else {
        heights.forget(id);
        input.peer.scores.penalise(id, PENALTY.forged, 'claims a head that is not final');
        input.log.warn('peer claims a head that is not final', { peer: id, height: status.height });
      }
    } catch (error) {
      if (error instanceof FedaiError && error.code === 'BAD_RLP') {
        input.peer.scores.penalise(id, PENALTY.malformed, 'malformed status');
      }
      input.log.debug('no chain status', { peer: id, error });
    }
  };
  const peers = input.chainPeers();
  heights.keep(peers);
  await Promise.all(sample(peers, POLLED_PEERS, input.random).map(ask));
}

const isProven = async ({ consensus }: SyncInput, { height, headHash, commit }: ChainStatus) =>
  commit !== null && (await consensus.provesHead(height, headHash, commit));

/** Ranges on their way at once, each from another peer as far as there are. */
const MAX_IN_FLIGHT = 4;

/** Fetches several ranges at once and applies them in order, until nobody claims more. */
async function catchUp(input: SyncInput, heights: PeerHeights, signal: AbortSignal): Promise<void> {
  const { store, log, clock } = input;
  const startedAt = store.height;
  const flights = new Map<number, Promise<Fetched>>();
  const running = new Map<string, number>();
  while (!signal.aborted && heights.best(clock.now()) > store.height) {
    const next = store.height + 1;
    for (const from of flights.keys()) if (from < next) flights.delete(from);
    const best = heights.best(clock.now());
    for (let from = next; flights.size < MAX_IN_FLIGHT && from <= best; from += MAX_RANGE_BLOCKS) {
      if (flights.has(from)) continue;
      const able = heights.at(from, clock.now());
      const idle = able.filter((id) => !running.has(id));
      // A lone peer is asked for one range ahead: more it refuses.
      const [id] = sample(
        idle.length > 0 || (flights.size > 1 && from > next) ? idle : able,
        1,
        input.random,
      );
      if (id === undefined) break;
      flights.set(from, fetchRange(input, heights, { id, from, running }, signal));
    }
    const fetched = await flights.get(next);
    flights.delete(next);
    if (fetched === undefined) break;
    await applyRange(input, heights, fetched);
  }
  await Promise.all(flights.values());
  if (store.height > startedAt) log.info('caught up', { from: startedAt, height: store.height });
}

interface Fetched {
  from: string;
  blocks: FinalBlock[];
}

async function fetchRange(
  input: SyncInput,
  heights: PeerHeights,
  { id, from, running }: { id: string; from: number; running: Map<string, number> },
  signal: AbortSignal,
): Promise<Fetched> {
  running.set(id, (running.get(id) ?? 0) + 1);
  const limits = { timeoutMs: RANGE_TIMEOUT_MS, maxBytes: 2 * MAX_RANGE_ANSWER_BYTES, signal };
  const request = encodeRange({ from, count: MAX_RANGE_BLOCKS });
  const blocks: FinalBlock[] = [];
  try {
    for await (const frame of input.peer.requests.requestFrames(id, BLOCKS_PROTOCOL, request, limits)) {
      blocks.push(decodeFinalBlock(frame, input.common));
      if (blocks.length > MAX_RANGE_BLOCKS) throw new FedaiError('BAD_RLP', 'more blocks than asked for');
    }
  } catch (error) {
    if (error instanceof FedaiError && error.code === 'BAD_RLP') {
      input.peer.scores.penalise(id, PENALTY.malformed, 'malformed blocks');
    }
    input.log.debug('range of blocks not fetched', { peer: id, from, got: blocks.length, error });
  } finally {
    const left = running.get(id)! - 1;
    if (left === 0) running.delete(id);
    else running.set(id, left);
  }
  // What came whole before a break is as good as ever.
  if (blocks.length === 0) heights.failed(id, input.clock.now());
  return { from: id, blocks };
}

async function applyRange(input: SyncInput, heights: PeerHeights, fetched: Fetched): Promise<void> {
  for (const { block, commit } of fetched.blocks) {
    try {
      await input.consensus.applyDecided(block, commit);
    } catch (error) {
      if (!(error instanceof FedaiError) || !LIES.has(error.code)) throw error;
      input.peer.scores.penalise(fetched.from, PENALTY.forged, error.message);
      heights.failed(fetched.from, input.clock.now());
      input.log.warn('peer sent a block that is not final', { peer: fetched.from, error });
      return;
    }
    if (input.store.height < Number(block.header.number)) {
      // Not the next block: the peer sent others than were asked for, or skipped one.
      heights.failed(fetched.from, input.clock.now());
      return;
    }
  }
  if (fetched.blocks.length > 0) heights.delivered(fetched.from);
}

const LIES = new Set(['BAD_BLOCK_COMMIT', 'INVALID_BLOCK']);

/** `count` of them, each as likely as the others. */
function sample<T>(items: readonly T[], count: number, random: () => number): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ item }) => item);
}
