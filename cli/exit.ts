/** The exit codes of every command, and which error gets which. */
import { FedaiError, hostFault } from '../core/index.ts';

export const EXIT = {
  /** Done; for `job verify` and `devnet --exit`: verified. */
  ok: 0,
  /** The command ran and failed, or what it checked is not right. */
  failed: 1,
  /** Bad option, argument, file or document; nothing was done. */
  usage: 2,
  /** Something out of reach that may come back: an RPC, a peer, content. */
  unreachable: 3,
  /** This machine is in the way: disk full, too many open files, read-only or damaged data. */
  host: 4,
  /** Stopped by Ctrl-C before it was done. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit codes: 0 done (verified) · 1 failed or not verified · 2 bad option, file or document · 3 out of reach (RPC,
peer, content); try again · 4 disk full, too many open files, read-only or damaged data · 130 interrupted`;

/** Codes of input that the user gave and can put right. */
const INPUT_CODE =
  /^(BAD_|UNKNOWN_|UNSUPPORTED_|WRONG_|MISSING_|TOO_(LARGE|LITTLE|SMALL|MANY|FEW)|OUT_OF_RANGE|NOT_FOUND|FILE_|EXISTS|PORT_IN_USE|INSUFFICIENT_|DATA_DIR_LOCKED|DATA_MISMATCH$|LISTEN_FAILED$|NO_CHAIN_SPEC)|_NOT_FOUND$/;
/** Trouble of the machine that is told by a code of its own layer. */
const HOST_CODE = /^(DATA_DIR_UNUSABLE|DATABASE_UNREADABLE|SIGN_STATE_(CORRUPT|MISSING|FOREIGN))$/;
const UNREACHABLE_SYSTEM_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
];
const INPUT_SYSTEM_CODES = ['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EEXIST', 'EADDRINUSE', 'EADDRNOTAVAIL'];

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Interrupted) return EXIT.interrupted;
  const code = systemCode(error);
  if (hostFault(error) !== undefined) return EXIT.host;
  if (error instanceof FedaiError) {
    if (HOST_CODE.test(error.code)) return EXIT.host;
    if (error.transient) return EXIT.unreachable;
    return INPUT_CODE.test(error.code) ? EXIT.usage : EXIT.failed;
  }
  if (UNREACHABLE_SYSTEM_CODES.includes(code)) return EXIT.unreachable;
  return INPUT_SYSTEM_CODES.includes(code) ? EXIT.usage : EXIT.failed;
}

export function systemCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** The reason of a command's abort signal when Ctrl-C, SIGTERM or the death of the parent stops it. */
export class Interrupted extends FedaiError {
  constructor(by: string) {
    super('INTERRUPTED', `stopped by ${by}`);
    this.name = 'Interrupted';
  }
}
