/** Whether a chain node serves its purpose now: it has peers, is not behind, and blocks come. */
import type { Peer } from '../storage/index.ts';
import type { ChainApplication } from './application.ts';
import { headAgeSeconds } from './metrics.ts';
import type { Sync } from './sync/index.ts';

/** Undefined when all is well, else why not. */
export type ReadyCheck = () => string | undefined;

/** A few rounds that end without a decision are no outage. */
const LATE_BLOCKS = 20;
const LEAST_LATE_SECONDS = 30;

export function readyChecks(
  application: ChainApplication,
  sync: Sync,
  peer: Peer,
): Readonly<Record<string, ReadyCheck>> {
  const { spec } = application;
  const lateSeconds = Math.max(LEAST_LATE_SECONDS, (LATE_BLOCKS * spec.consensus.blockTimeMs) / 1000);
  return {
    sync: () =>
      sync.isSyncing()
        ? `${Math.max(0, sync.bestKnown() - application.head.height)} blocks behind its peers`
        : undefined,
    peers: () =>
      spec.validators.length > 1 && peer.peers().length === 0 ? 'no peer is connected' : undefined,
    blocks: () => {
      const age = Math.round(headAgeSeconds(application));
      return age > lateSeconds ? `the last block is ${age} s old` : undefined;
    },
  };
}
