/** A content store whose blocks and pins are a Kubo node's. The network behind it, if any, is that of the Helia node on top. */

import { createHeliaLight, type Helia } from 'helia';
import { FedaiError, type Log, parseCid, silentLog } from '../core/index.ts';
import { type ContentStore, DEFAULT_FETCH_TIMEOUT_MS } from './content.ts';
import { createHeliaStore } from './helia-store.ts';
import { type KuboNode, openKubo } from './kubo-blocks.ts';
import type { LocalStore } from './local-store.ts';
import { readFile } from './read.ts';

/** The same store; pins hold in Kubo too, and a Kubo that is away is not taken for missing content. */
export function keepInKubo(content: ContentStore, helia: Helia, kubo: KuboNode): ContentStore {
  return {
    ...content,
    async pin(text, options = {}) {
      await content.pin(text, options);
      const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_FETCH_TIMEOUT_MS);
      await kubo.pin(parseCid(text), options.signal ? AbortSignal.any([timeout, options.signal]) : timeout);
    },
    async unpin(text) {
      await kubo.unpin(parseCid(text));
      await content.unpin(text);
    },
    isPinned: async (text) => (await content.isPinned(text)) && kubo.isPinned(parseCid(text)),
    async hasLocal(text) {
      try {
        await readFile(helia.blockstore, text, { maxBytes: Number.MAX_SAFE_INTEGER, offline: true });
        return true;
      } catch (error) {
        if (error instanceof FedaiError && error.code === 'KUBO_UNREACHABLE') throw error;
        return false;
      }
    },
  };
}

/** Kubo without a network of our own, for importing and reading. */
export async function openKuboStore(
  url: string,
  log: Log = silentLog,
  timeoutMs?: number,
): Promise<LocalStore> {
  const kubo = await openKubo(url, timeoutMs);
  const helia = createHeliaLight({ blockstore: kubo.blockstore });
  await helia.start();
  return {
    content: keepInKubo(createHeliaStore(helia, false, log), helia, kubo),
    async close() {
      await helia.stop();
    },
  };
}
