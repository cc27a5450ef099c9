/** The two LevelDB stores under a data directory: blocks by hash, and records (pins, known peers, DHT). One process at a time. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LevelDatastore } from 'datastore-level';
import { FedaiError, hostFault } from '../core/index.ts';
import { type OnHostFault, SoundBlockstore, tellFaults } from './sound-stores.ts';

export interface Disk {
  blockstore: SoundBlockstore;
  datastore: LevelDatastore;
  close(): Promise<void>;
}

/**
 * Throws `DATA_DIR_LOCKED` when another process has it, trouble of the machine, `DATA_DIR_UNUSABLE` otherwise. `onFault`
 * hears of trouble that ends the process when it is met later, whoever meets it.
 */
export async function openDisk(dataDir: string, onFault: OnHostFault = () => {}): Promise<Disk> {
  const blockstore = new SoundBlockstore(join(dataDir, 'blocks'), onFault);
  const datastore = tellFaults(new LevelDatastore(join(dataDir, 'records')), dataDir, onFault);
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
  const trouble = hostFault(cause, dataDir);
  if (trouble !== undefined) return trouble;
  return new FedaiError(
    'DATA_DIR_UNUSABLE',
    'the data directory cannot be opened',
    { dataDir },
    { cause, remedy: 'check that the directory is writable and the disk is not full' },
  );
}
