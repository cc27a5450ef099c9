/** Keeps the bundles of the latest work blocks and verdicts, so that anybody can fetch and replay what sealed them. */
import { CID } from 'multiformats/cid';
import type { Log } from '../../core/index.ts';
import type { ContentStore } from '../../storage/index.ts';
import type { ChainApplication } from '../application.ts';
import type { Block } from '../types.ts';

export interface BundleKeeper {
  add(block: Pick<Block, 'section'>): void;
  stop(): void;
}

/** An hour of work blocks at one in ten seconds; at 32 MiB each, the most that a chain may allow, 11 GiB. */
const KEPT_BUNDLES = 360;
/** Blocks that are looked through at the start for what is kept already. */
const MAX_LOOK_BACK = 3_600;
/** Whoever committed the block without having it fetches it from those that voted. */
const FETCH_TIMEOUT_MS = 60_000;

export function keepBundles(input: {
  application: ChainApplication;
  content: ContentStore;
  log: Log;
}): BundleKeeper {
  const { application, content, log } = input;
  const kept = recentBundles(application);
  const ended = new AbortController();
  const tell = (what: string) => (error: unknown) => {
    if (!ended.signal.aborted) log.debug(what, { error });
  };
  return {
    add({ section: { work, verdict } }) {
      const carried = work ?? verdict;
      if (carried === null) return;
      const bundle = bundleText(carried);
      kept.push(bundle);
      content
        .pin(bundle, { timeoutMs: FETCH_TIMEOUT_MS, signal: ended.signal, tell: false })
        .catch(tell('the bundle of a block is not to be had'));
      const old = kept.length > KEPT_BUNDLES ? kept.shift() : undefined;
      if (old !== undefined && !kept.includes(old)) content.unpin(old).catch(tell('an old bundle stays'));
    },
    stop: () => ended.abort(),
  };
}

/** Content id of a section's bundle, as people and gateways write it. */
export const bundleText = ({ bundle }: { bundle: Uint8Array }): string => CID.decode(bundle).toString();

/** Oldest first. */
function recentBundles({ store, head }: ChainApplication): string[] {
  const bundles: string[] = [];
  for (let height = head.height; height > Math.max(0, head.height - MAX_LOOK_BACK); height--) {
    const section = store.block(height)?.section;
    const carried = section?.work ?? section?.verdict ?? null;
    if (carried !== null) bundles.unshift(bundleText(carried));
    if (bundles.length >= KEPT_BUNDLES) break;
  }
  return bundles;
}
