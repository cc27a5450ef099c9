/** Tells the operator when this machine's clock is far from the network's, which shows in the timestamps of blocks. */
import type { Clock, Log } from '../core/index.ts';

export interface SeenBlock {
  /** Seconds since the Unix epoch. */
  timestamp: number;
  parentTimestamp: number;
  /** Made by this node: it says nothing of others' clocks. */
  isOwn: boolean;
  /** Decided just now, not fetched while catching up. */
  isLive: boolean;
}

export interface ClockWatch {
  look(block: SeenBlock): void;
}

/** Proposals from more than 10 s ahead are not voted for; a block that took long rounds is as old as those. */
const FAR_OFF_MS = 30_000;
/** In a row: one proposer's clock, or its lie, is no clock of a network. */
const BLOCKS_NEEDED = 3;
const WARN_AGAIN_MS = 3_600_000;

export function createClockWatch({
  clock,
  steady,
  log,
}: Record<'clock' | 'steady', Clock> & { log: Log }): ClockWatch {
  let inRow = 0;
  let warnedMs = Number.NEGATIVE_INFINITY;
  return {
    look({ timestamp, parentTimestamp, isOwn, isLive }) {
      // The least timestamp there is comes of a chain that is faster than a block a second, or of a proposer behind.
      if (isOwn || timestamp === parentTimestamp + 1) return;
      const offMs = clock.now() - timestamp * 1000;
      const isOff = offMs < -FAR_OFF_MS || (isLive && offMs > FAR_OFF_MS);
      inRow = isOff ? inRow + 1 : 0;
      if (inRow < BLOCKS_NEEDED || steady.now() - warnedMs < WARN_AGAIN_MS) return;
      warnedMs = steady.now();
      log.warn('the clock of this machine is far from the network’s', {
        aheadSeconds: Math.round(offMs / 1000),
        remedy:
          'set the clock (NTP); until then peers may ignore what this node proposes, or it what they do',
      });
    },
  };
}
