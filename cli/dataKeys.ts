/** Keys of encrypted data sets that this party owns: one file a manifest, readable by its owner alone. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError, fromHex, toHex } from '../core/index.ts';

const folderOf = (dataDir: string): string => join(dataDir, 'data-keys');

/** `key` is 32 bytes; on disk before it is first used, so that no set is ever encrypted to a key that is gone. */
export async function saveDataKey(dataDir: string, name: string, key: Uint8Array): Promise<string> {
  const folder = folderOf(dataDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}.key`);
  await writeFile(file, `${toHex(key)}\n`, { mode: 0o600, flush: true });
  return file;
}

/** Gives a key its manifest's name once that is known. */
export async function renameDataKey(dataDir: string, from: string, to: string): Promise<string> {
  const file = join(folderOf(dataDir), `${to}.key`);
  await rename(join(folderOf(dataDir), `${from}.key`), file);
  return file;
}

/** Throws `MISSING_DATA_KEY`. */
export async function readDataKey(dataDir: string, manifestCid: string): Promise<Uint8Array> {
  const file = join(folderOf(dataDir), `${manifestCid}.key`);
  try {
    return fromHex((await readFile(file, 'utf8')).trim(), 32);
  } catch (cause) {
    throw new FedaiError(
      'MISSING_DATA_KEY',
      'the key of this data set is not here',
      { file },
      {
        cause,
        remedy: 'post the job from the data directory into which the set was imported (`fedai data import`)',
      },
    );
  }
}
