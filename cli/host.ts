/** Whether this machine can carry a long-running command: its data directory and its limit of open files. Asked before anything else. */
import { constants } from 'node:fs';
import { access, open, readFile, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError, hostFault, type Log } from '../core/index.ts';

/** Below, a start would end in the middle of its first writes. */
const LEAST_FREE_BYTES = 4 * 2 ** 20;
/** Sockets of 128 peers, some RPC clients, three databases, logs. */
const LEAST_OPEN_FILES = 256;
/** With 512 RPC clients beside them. */
const COMFORTABLE_OPEN_FILES = 1024;

/** What is not left to RPC clients: peers, databases, logs, and some air. */
const OTHER_OPEN_FILES = 224;
const MAX_RPC_CLIENTS = 512;

/**
 * Throws `DATA_DIR_UNUSABLE`, `READ_ONLY`, `DISK_FULL` or `TOO_MANY_FILES`; warns of what may become tight. `rpcClients`:
 * how many at once leave files for everything else.
 */
export async function checkHost(dataDir: string, log: Log): Promise<{ rpcClients: number }> {
  const limit = await checkOpenFiles(log);
  await checkDataDir(dataDir);
  return { rpcClients: Math.min(MAX_RPC_CLIENTS, limit - OTHER_OPEN_FILES) };
}

/** A missing directory passes: what is looked for in it says so better. Throws `DATA_DIR_UNUSABLE`, `READ_ONLY` or `DISK_FULL`. */
export async function checkDataDir(dataDir: string): Promise<void> {
  const found = await stat(dataDir).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw unusable(dataDir, cause);
  });
  if (found === undefined) return;
  if (!found.isDirectory()) throw unusable(dataDir, new Error('it is a file'));
  const { bavail, bsize } = await statfs(dataDir);
  if (bavail * bsize < LEAST_FREE_BYTES) throw diskFull(dataDir, bavail * bsize);
  await tryWriting(dataDir);
}

/** Asks by doing: permissions alone do not tell for root, quotas or network file systems. */
async function tryWriting(dataDir: string): Promise<void> {
  const probe = join(dataDir, `.probe.${process.pid}`);
  try {
    await access(dataDir, constants.W_OK | constants.X_OK);
    const file = await open(probe, 'w', 0o600);
    await file.close();
    await rm(probe);
  } catch (cause) {
    throw hostFault(cause, dataDir) ?? readOnly(dataDir, cause);
  }
}

async function checkOpenFiles(log: Log): Promise<number> {
  const limit = await openFileLimit();
  if (limit >= COMFORTABLE_OPEN_FILES) return limit;
  const remedy = `raise it: ulimit -n 4096`;
  if (limit < LEAST_OPEN_FILES) {
    throw new FedaiError(
      'TOO_MANY_FILES',
      'the limit of open files is too low to run',
      { got: limit, expected: `>= ${LEAST_OPEN_FILES}` },
      { remedy },
    );
  }
  log.warn('the limit of open files is low; fewer RPC clients at once are served', {
    limit,
    expected: COMFORTABLE_OPEN_FILES,
    remedy,
  });
  return limit;
}

/** Soft limit of this process, which Node has raised as far as it may. Infinite where /proc does not tell. */
async function openFileLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

const unusable = (dataDir: string, cause: unknown): FedaiError =>
  new FedaiError(
    'DATA_DIR_UNUSABLE',
    'this cannot be a data directory',
    { dataDir },
    { cause, remedy: 'give a folder that you own as --data-dir' },
  );

const readOnly = (dataDir: string, cause: unknown): FedaiError =>
  new FedaiError(
    'READ_ONLY',
    'the data directory cannot be written to',
    { path: dataDir },
    {
      cause,
      remedy: 'check who owns it and that its file system is writable, or give another --data-dir',
    },
  );

const diskFull = (dataDir: string, freeBytes: number): FedaiError =>
  new FedaiError(
    'DISK_FULL',
    'the disk is full',
    { path: dataDir, got: `${freeBytes} bytes free`, expected: `>= ${LEAST_FREE_BYTES}` },
    { remedy: 'free some space and start again' },
  );
