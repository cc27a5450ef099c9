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
  consensus: Pick<Consensus, 'applyDecided' | 'onBehind'>;
  clock: Clock;
  /** Uniform in [0, 1): which peers are asked. */
  random: () => number;
  log: Log;
}

export interface Sync extends Service {
  /** Greatest height that peers claim; 0 before any answered. */
  bestKnown(): number;
  /** More than one block behind what peers claim. */
  isSyncing(): boolean;
}

/** A node that votes learns of new heights from votes; this is for one that hears none. */
const POLL_EVERY_MS = 1_000;
/** Of one poll: an answer from one honest peer is enough. */
const POLLED_PEERS = 4;
const ASK_TIMEOUT_MS = 5_000;
const RANGE_TIMEOUT_MS = 20_000;
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
    bestKnown: () => heights.best(input.clock.now()),
    isSyncing: () => heights.best(input.clock.now()) > store.height + 1,
  };
}

async function pollPeers(input: SyncInput, heights: PeerHeights, signal: AbortSignal): Promise<void> {
  const limits = { timeoutMs: ASK_TIMEOUT_MS, maxBytes: MAX_STATUS_BYTES, signal };
  const ask = async (id: string): Promise<void> => {
    try {
      const answer = await input.peer.requests.request(id, STATUS_PROTOCOL, new Uint8Array(0), limits);
      const status = decodeStatus(answer);
      if (equalBytes(status.genesisHash, input.genesisHash)) heights.claim(id, status.height);
      else heights.forget(id);
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

/** Fetches and applies until nobody claims more. The next range is on its way while one is applied. */
async function catchUp(input: SyncInput, heights: PeerHeights, signal: AbortSignal): Promise<void> {
  const { store, log } = input;
  const startedAt = store.height;
  let ahead: { from: number; fetching: Promise<Fetched | undefined> } | undefined;
  while (!signal.aborted && heights.best(input.clock.now()) > store.height) {
    const from = store.height + 1;
    const current = ahead?.from === from ? ahead.fetching : fetchRange(input, heights, from, signal);
    const fetched = await current;
    if (fetched === undefined) break;
    const next = from + fetched.blocks.length;
    ahead =
      heights.best(input.clock.now()) >= next
        ? { from: next, fetching: fetchRange(input, heights, next, signal) }
        : undefined;
    if (!(await applyRange(input, heights, fetched))) ahead = undefined;
  }
  await ahead?.fetching;
  if (store.height > startedAt) log.info('caught up', { from: startedAt, height: store.height });
}

interface Fetched {
  from: string;
  blocks: FinalBlock[];
}

async function fetchRange(
  input: SyncInput,
  heights: PeerHeights,
  from: number,
  signal: AbortSignal,
): Promise<Fetched | undefined> {
  const [id] = sample(heights.at(from, input.clock.now()), 1, input.random);
  if (id === undefined) return undefined;
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
  }
  // What came whole before a break is as good as ever.
  if (blocks.length === 0) heights.failed(id, input.clock.now());
  return { from: id, blocks };
}

/** Answers whether all of the range is now final here. */
async function applyRange(input: SyncInput, heights: PeerHeights, fetched: Fetched): Promise<boolean> {
  for (const { block, commit } of fetched.blocks) {
    try {
      await input.consensus.applyDecided(block, commit);
    } catch (error) {
      if (!(error instanceof FedaiError) || !LIES.has(error.code)) throw error;
      input.peer.scores.penalise(fetched.from, PENALTY.forged, error.message);
      heights.failed(fetched.from, input.clock.now());
      input.log.warn('peer sent a block that is not final', { peer: fetched.from, error });
      return false;
    }
    if (input.store.height < Number(block.header.number)) {
      // Not the next block: the peer sent others than were asked for, or skipped one.
      heights.failed(fetched.from, input.clock.now());
      return false;
    }
  }
  if (fetched.blocks.length > 0) heights.delivered(fetched.from);
  return fetched.blocks.length > 0;
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
