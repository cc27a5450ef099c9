/**
 * Catch-up: learns how far peers are, fetches final blocks that this node lacks from several of them, and hands each
 * with its commit to consensus, which verifies before it applies. A peer that lies or fails is rested or blamed.
 */
import type { Common } from '@ethereumjs/common';
import { type Clock, type Log, type Service, sleep } from '../../core/index.ts';
import type { Peer } from '../../storage/index.ts';
import type { Consensus } from '../consensus/index.ts';
import type { ChainStore } from '../store/index.ts';
import { catchUp } from './catch-up.ts';
import type { ChainStatus } from './messages.ts';
import { createPeerHeights } from './peer-heights.ts';
import { pollPeers } from './poll.ts';
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
  /** The height that a peer last said or proved; undefined where it said none. */
  heightOf(peer: string): number | undefined;
  /** More than one block behind it. */
  isSyncing(): boolean;
  /** The height at which the catch-up in progress began; says nothing when there is none. */
  startingHeight(): number;
}

/** A node that votes learns of new heights from votes; this is for one that hears none. */
const POLL_EVERY_MS = 1_000;
/** Polls without progress after which even a single missing block is fetched: consensus usually brings it sooner. */
const PATIENCE_POLLS = 2;

export function createSync(input: SyncInput): Sync {
  const { peer, store, log } = input;
  const heights = createPeerHeights();
  const isSyncing = () => heights.bestProven() > store.height + 1;
  let startingHeight = 0;
  const prove = (id: string, height: number) => {
    if (!isSyncing()) startingHeight = store.height;
    heights.prove(id, height);
  };
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
    let last = -1;
    while (!stopping.signal.aborted) {
      const isGrowing = last !== -1 && store.height > last;
      last = store.height;
      await pollPeers(input, { heights, prove }, isGrowing, stopping.signal);
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
    heightOf: (id) => heights.of(id),
    isSyncing,
    startingHeight: () => startingHeight,
  };
}
