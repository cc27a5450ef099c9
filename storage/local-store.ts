/** A content store on disk without a network, for importing data that a peer on the same directory serves later. */
import { createHeliaLight } from 'helia';
import { type Log, silentLog } from '../core/index.ts';
import type { ContentStore } from './content.ts';
import { openDisk } from './disk.ts';
import { createHeliaStore } from './helia-store.ts';

export interface LocalStore {
  content: ContentStore;
  close(): Promise<void>;
}

export async function openLocalStore(dataDir: string, log: Log = silentLog): Promise<LocalStore> {
  const disk = await openDisk(dataDir);
  const helia = createHeliaLight({ blockstore: disk.blockstore, datastore: disk.datastore });
  await helia.start();
  return {
    content: createHeliaStore(helia, false, log),
    async close() {
      await helia.stop();
      await disk.close();
    },
  };
}

/** A content store in memory, for tests and one-off reads. */
export async function createMemoryStore(log: Log = silentLog): Promise<ContentStore> {
  const helia = createHeliaLight();
  await helia.start();
  return createHeliaStore(helia, false, log);
}
