/** Keeps in memory what a page leaves on a chain node of a test. */
import { MemoryBlockstore } from 'blockstore-core';
import { MemoryDatastore } from 'datastore-core';
import { createContentIntake } from '../../chain/index.ts';
import { parseCid, silentLog } from '../../core/index.ts';
import { openIntake } from '../../storage/index.ts';

export async function memoryIntake() {
  const blocks = new MemoryBlockstore();
  const stores = { blockstore: blocks, datastore: new MemoryDatastore() };
  const intake = await openIntake({ stores, maxTotalBytes: 2 ** 26, log: silentLog });
  return {
    intake: createContentIntake(intake),
    async block(cid: string): Promise<Uint8Array | undefined> {
      const name = parseCid(cid);
      if (!blocks.has(name)) return undefined;
      for await (const part of blocks.get(name)) return part;
      return undefined;
    },
  };
}
