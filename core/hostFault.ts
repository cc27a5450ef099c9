/**
 * Trouble of the machine itself, whatever layer reports it: a full disk, too many open files, a file system that refuses
 * writes, damaged data. Names it with one code and a remedy; what a process does about it is the process's business.
 */
import { FedaiError } from './errors.ts';

interface Trouble {
  code: string;
  message: string;
  remedy: string;
  /** Codes of the operating system. */
  system: readonly string[];
  /** How LevelDB words it: it passes no codes on. */
  wording: RegExp;
}

const TROUBLES: readonly Trouble[] = [
  {
    code: 'DISK_FULL',
    message: 'the disk is full',
    remedy: 'free some space and start again; nothing is lost',
    // EFBIG is the limit of `ulimit -f`, which is a full disk to whoever runs into it.
    system: ['ENOSPC', 'EDQUOT', 'EFBIG'],
    wording: /no space left on device|file too large|disk quota exceeded/i,
  },
  {
    code: 'TOO_MANY_FILES',
    message: 'too many files are open',
    remedy: 'raise the limit of open files (`ulimit -n 4096`) and start again',
    system: ['EMFILE', 'ENFILE'],
    wording: /too many open files/i,
  },
  {
    code: 'READ_ONLY',
    message: 'the data directory cannot be written to',
    remedy: 'check who owns it and that its file system is writable, or give another --data-dir',
    system: ['EROFS'],
    wording: /read-only file system|permission denied|operation not permitted/i,
  },
  {
    code: 'DATA_DAMAGED',
    message: 'stored data is damaged',
    remedy: 'check the disk; move the damaged folder away and start again, what others have is fetched anew',
    system: ['EIO', 'LEVEL_CORRUPTION'],
    wording: /corruption: |input\/output error/i,
  },
];

/** Made by whoever meets damage in a layer of its own, beside those of the table. */
const OWN_CODES = ['DATABASE_DAMAGED', 'DATABASE_WRITE'];
const CODES = new Set([...TROUBLES.map(({ code }) => code), ...OWN_CODES]);
/** Only these wrap LevelDB's words; anyone may write such words into other errors, peers and RPC endpoints among them. */
const STORE_ERRORS = /^(?:Put|Get|Delete|Open)FailedError$/;
/** Libraries wrap without end. */
const MAX_CAUSES = 5;

export const isHostFault = (error: unknown): error is FedaiError =>
  error instanceof FedaiError && CODES.has(error.code);

/**
 * The machine's trouble behind `error`, or undefined when it is something else. `path`: what could not be read or written.
 * `fromStore`: LevelDB threw it, so that its words count, with or without a code.
 */
export function hostFault(error: unknown, path?: string, fromStore = false): FedaiError | undefined {
  let current = error;
  for (let depth = 0; depth <= MAX_CAUSES && current instanceof Error; depth++) {
    if (isHostFault(current)) return current;
    const trouble = troubleOf(current, fromStore);
    if (trouble !== undefined) return faultOf(trouble, error, path ?? (current as { path?: string }).path);
    current = current.cause;
  }
  return undefined;
}

/** Tells of trouble that ends the process. Too many open files pass when others close theirs. */
export function tellHostFault(error: unknown, onFault: (fault: FedaiError) => void): void {
  const fault = hostFault(error);
  if (fault !== undefined && fault.code !== 'TOO_MANY_FILES') onFault(fault);
}

function troubleOf(error: Error, fromStore: boolean): Trouble | undefined {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') {
    const known = TROUBLES.find(({ system }) => system.includes(code));
    if (known !== undefined) return known;
  }
  const isStores = typeof code === 'string' && code.startsWith('LEVEL_');
  return fromStore || isStores || STORE_ERRORS.test(error.name)
    ? TROUBLES.find(({ wording }) => wording.test(textOf(error)))
    : undefined;
}

const textOf = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;

const faultOf = ({ code, message, remedy }: Trouble, cause: unknown, path: string | undefined): FedaiError =>
  new FedaiError(code, message, path === undefined ? {} : { path }, { cause, remedy });
