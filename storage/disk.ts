/** The two LevelDB stores under a data directory: blocks by hash, and records (pins, known peers, DHT). One process at a time. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LevelBlockstore } from 'blockstore-level';
import { LevelDatastore } from 'datastore-level';
import { FedaiError } from '../core/index.ts';

export interface Disk {
  blockstore: LevelBlockstore;
  datastore: LevelDatastore;
  close(): Promise<void>;
}

/** Throws `DATA_DIR_LOCKED` when another process has it, `DATA_DIR_UNUSABLE` otherwise. */
export async function openDisk(dataDir: string): Promise<Disk> {
  const blockstore = new LevelBlockstore(join(dataDir, 'blocks'));
  const datastore = new LevelDatastore(join(dataDir, 'records'));
  try {
    await mkdir(dataDir, { recursive: true });
    // Opened beneath the wrappers, which would drop the cause of a failure.
    await blockstore.db.open({ createIfMissing: true, compression: false });
    await datastore.db.open({ createIfMissing: true, compression: false });
    await blockstore.open();
    await datastore.open();
  } catch (cause) {
    await blockstore.close().catch(() => {});
    throw explainOpen(cause, dataDir);
  }
  return {
    blockstore,
    datastore,
    async close() {
      await blockstore.close();
      await datastore.close();
    },
  };
}

function explainOpen(cause: unknown, dataDir: string): FedaiError {
  const locked = (cause as { cause?: { code?: unknown } }).cause?.code === 'LEVEL_LOCKED';
  if (locked) {
    return new FedaiError(
      'DATA_DIR_LOCKED',
      'another process uses this data directory',
      { dataDir },
      { cause, remedy: 'stop that process, or give this one another --data-dir' },
    );
  }
  return new FedaiError(
    'DATA_DIR_UNUSABLE',
    'the data directory cannot be opened',
    { dataDir },
    { cause, remedy: 'check that the directory is writable and the disk is not full' },
  );
}
