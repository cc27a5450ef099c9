/** Blocks as they come in a network, one after the other however slow the machine is. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SoloChain } from '../support/soloChain.ts';

/** The function that comes back ends it. */
export function mineOn(chain: SoloChain, everyMs: number): () => Promise<void> {
  const stopping = new AbortController();
  const mining = (async () => {
    while (!stopping.signal.aborted) {
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (!stopping.signal.aborted) await chain.mine();
    }
  })();
  return async () => {
    stopping.abort();
    await mining;
  };
}
