/** Disks that outlive a process but lose what was not synced, and a process life that may end at any disk operation. */

import type { ConsensusStorage, RecordLog, SafeFile } from '../../../chain/consensus/types.ts';
import { FedaiError } from '../../../core/index.ts';

/** One run of a process. After its death nothing that it does reaches disk or network. */
export interface Life {
  alive: boolean;
  /** Disk operations until it is killed, Infinity for never. */
  operationsLeft: number;
  /** Whether the operation at which it is killed still reaches the disk. */
  lastTakesEffect: boolean;
  onDeath: () => void;
}

export interface Disk {
  storage(life: Life): ConsensusStorage;
  /** A power cut: of what is not synced, the first `share` (0 to 1) of the records survives. */
  loseUnsynced(share: number): void;
  /** Records in the write-ahead log. */
  walRecords(): number;
  /** Records of the evidence log. */
  evidence(): Uint8Array[];
}

export function operate(life: Life, effect: () => void): void {
  if (!life.alive) throw new FedaiError('KILLED', 'this process is dead');
  life.operationsLeft--;
  if (life.operationsLeft > 0 || life.lastTakesEffect) effect();
  if (life.operationsLeft > 0) return;
  life.alive = false;
  life.onDeath();
  throw new FedaiError('KILLED', 'killed at a disk operation');
}

function createFile(): { open: (life: Life) => SafeFile } {
  let content: Uint8Array | undefined;
  return {
    open: (life) => ({
      read: () => content,
      write: (bytes) =>
        operate(life, () => {
          content = bytes;
        }),
    }),
  };
}

interface Records {
  open(life: Life): RecordLog;
  loseUnsynced(share: number): void;
  all(): Uint8Array[];
}

function createRecords(): Records {
  let all: Uint8Array[] = [];
  let synced = 0;
  return {
    all: () => all,
    loseUnsynced(share) {
      all = all.slice(0, synced + Math.floor(share * (all.length - synced)));
      synced = all.length;
    },
    open: (life) => ({
      records: () => [...all],
      append: (record) => operate(life, () => void all.push(record)),
      sync: () =>
        operate(life, () => {
          synced = all.length;
        }),
      reset: (records) =>
        operate(life, () => {
          all = [...records];
          synced = all.length;
        }),
    }),
  };
}

export function createDisk(): Disk {
  const signState = createFile();
  const wal = createRecords();
  const evidence = createRecords();
  return {
    storage: (life) => ({
      signState: signState.open(life),
      wal: wal.open(life),
      evidence: evidence.open(life),
    }),
    loseUnsynced(share) {
      wal.loseUnsynced(share);
      evidence.loseUnsynced(share);
    },
    walRecords: () => wal.all().length,
    evidence: evidence.all,
  };
}
