/** Finds damage in what the database gives back: LevelDB does not look at its own checksums when it reads. */
import { hash } from 'node:crypto';
import { concatBytes, equalBytes, FedaiError, hostFault, keccak256 } from '../../core/index.ts';

/** Enough to tell rot from data; nobody forges his own disk. */
const CHECK_BYTES = 8;
/** What is kept of a height beside its state, in the order of their checks. */
export type Part = 'block' | 'commit' | 'receipts';
const PARTS: readonly Part[] = ['block', 'commit', 'receipts'];

const digest = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(hash('sha256', bytes, 'buffer')).subarray(0, CHECK_BYTES);

/** Of one height; a part that is not there (the commit of genesis) counts as empty. */
export const checksOf = (parts: Record<Part, Uint8Array | undefined>): Uint8Array =>
  concatBytes(...PARTS.map((part) => digest(parts[part] ?? new Uint8Array(0))));

export interface Guard {
  /** What `read` gives; throws `DATABASE_DAMAGED` and other trouble of the machine. */
  reading<T>(read: () => T): T;
  /** `bytes`, unless they are not what was stored. */
  part(part: Part, bytes: Uint8Array, checks: Uint8Array | undefined): Uint8Array;
  /** State node or code under its Keccak-256. None is ever removed, so one that is not there is damage too. */
  addressed(bytes: Uint8Array | undefined, hash: Uint8Array): Uint8Array;
  /** Tells of the trouble, and is what to throw. */
  fault(fault: FedaiError): FedaiError;
}

/** `onFault` hears of each trouble, since not every reader is one who can stop the node. */
export function createGuard(directory: string, onFault: (fault: FedaiError) => void): Guard {
  const fault = (trouble: FedaiError) => {
    onFault(trouble);
    return trouble;
  };
  const damaged = (what: string) => fault(damage(directory, what));
  return {
    fault,
    reading(read) {
      try {
        return read();
      } catch (error) {
        if ((error as { code?: unknown }).code === 'LEVEL_DATABASE_NOT_OPEN') throw error;
        const trouble = hostFault(error, directory, true);
        const isDamage = trouble === undefined || trouble.code === 'DATA_DAMAGED';
        throw fault(isDamage ? damage(directory, 'table', error) : trouble);
      }
    },
    part(part, bytes, checks) {
      // Heights stored before there were checks have none.
      if (checks === undefined) return bytes;
      const at = PARTS.indexOf(part) * CHECK_BYTES;
      if (equalBytes(checks.subarray(at, at + CHECK_BYTES), digest(bytes))) return bytes;
      throw damaged(part);
    },
    addressed(bytes, expected) {
      if (bytes !== undefined && equalBytes(keccak256(bytes), expected)) return bytes;
      throw damaged('state');
    },
  };
}

export const damage = (directory: string, what: string, cause?: unknown): FedaiError =>
  new FedaiError(
    'DATABASE_DAMAGED',
    'the chain database is damaged',
    { directory, what },
    {
      cause,
      remedy:
        'check the disk, move this directory away and start again: the node catches up from its peers; ' +
        'leave `consensus` beside it where it is, it keeps this validator from signing twice',
    },
  );
