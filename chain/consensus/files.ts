/** Crash-safe files for sign-state, write-ahead log and evidence. Synchronous: nothing may happen between sync and send. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  bytesToBigInt,
  concatBytes,
  equalBytes,
  FedaiError,
  hostFault,
  sha256,
  uintBytes,
} from '../../core/index.ts';
import type { ConsensusStorage, RecordLog, SafeFile } from './types.ts';

function writeAll(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) offset += writeSync(fd, bytes, offset);
}

/** New content under a temporary name, synced, renamed over the old, directory synced. */
function replaceFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeAll(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** A full disk and the like are told by their own codes. */
function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw hostFault(error, path) ?? error;
  }
}

export function createSafeFile(path: string): SafeFile {
  return {
    read: () => explained(path, () => (existsSync(path) ? readFileSync(path) : undefined)),
    write: (bytes) => explained(path, () => replaceFile(path, bytes)),
  };
}

/** Record on disk: length 4 ‖ first 8 bytes of SHA-256 of the payload ‖ payload. */
const LENGTH_BYTES = 4;
const CHECK_BYTES = 8;
/** Far above a block; a length beyond it is a torn or foreign record. */
const MAX_RECORD_BYTES = 1 << 28;

const frame = (record: Uint8Array): Uint8Array =>
  concatBytes(uintBytes(record.length, LENGTH_BYTES), sha256(record).subarray(0, CHECK_BYTES), record);

/** The whole records of a file and the offset where they end. */
function parseRecords(bytes: Uint8Array): { records: Uint8Array[]; end: number } {
  const records: Uint8Array[] = [];
  let offset = 0;
  for (;;) {
    const start = offset + LENGTH_BYTES + CHECK_BYTES;
    if (start > bytes.length) break;
    const length = Number(bytesToBigInt(bytes.subarray(offset, offset + LENGTH_BYTES)));
    if (length > MAX_RECORD_BYTES || start + length > bytes.length) break;
    const record = bytes.subarray(start, start + length);
    const check = bytes.subarray(offset + LENGTH_BYTES, start);
    if (!equalBytes(sha256(record).subarray(0, CHECK_BYTES), check)) break;
    records.push(Uint8Array.from(record));
    offset = start + length;
  }
  return { records, end: offset };
}

/** Opens, and cuts a torn tail off, on first use. */
export function createRecordLog(path: string): RecordLog {
  let fd: number | undefined;
  const open = (): number => {
    if (fd !== undefined) return fd;
    const end = existsSync(path) ? parseRecords(readFileSync(path)).end : 0;
    fd = openSync(path, 'a', 0o600);
    ftruncateSync(fd, end);
    return fd;
  };
  return {
    records: () => explained(path, () => (existsSync(path) ? parseRecords(readFileSync(path)).records : [])),
    append: (record) => explained(path, () => writeAll(open(), frame(record))),
    sync: () => explained(path, () => fsyncSync(open())),
    reset(records) {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
      explained(path, () => replaceFile(path, concatBytes(...records.map(frame))));
    },
  };
}

/** The three files of consensus in `directory`, which is created when missing. */
export function createConsensusStorage(directory: string): ConsensusStorage {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (cause) {
    const trouble = hostFault(cause, directory);
    if (trouble !== undefined) throw trouble;
    throw new FedaiError(
      'DATA_DIRECTORY',
      'cannot create the directory of consensus',
      { directory },
      { cause, remedy: 'give a data directory that this user may write' },
    );
  }
  return {
    signState: createSafeFile(join(directory, 'sign-state.json')),
    wal: createRecordLog(join(directory, 'consensus.wal')),
    evidence: createRecordLog(join(directory, 'evidence.log')),
  };
}
