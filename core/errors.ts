/** Coded errors: what went wrong as data, and what to do about it. A bad message from a peer is a verdict, not an error. */

export interface FaultOptions {
  /** Worth trying again without changing anything (a peer or RPC that is away). */
  transient?: boolean;
  /** One sentence that tells the user what to do. */
  remedy?: string;
  cause?: unknown;
}

/** The only error class thrown on purpose. `code` is stable and UPPER_SNAKE; `data` carries got/expected values. */
export class FedaiError extends Error {
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly transient: boolean;
  readonly remedy: string | undefined;

  constructor(code: string, message: string, data: Record<string, unknown> = {}, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FedaiError';
    this.code = code;
    this.data = data;
    this.transient = options.transient ?? false;
    this.remedy = options.remedy;
  }
}

/** What a validator of a peer's message answers: pass it on, drop it silently, or drop it and blame the sender. */
export type Verdict = { verdict: 'accept' } | { verdict: 'ignore' | 'reject'; reason: string };

export const accept: Verdict = { verdict: 'accept' };
export const ignore = (reason: string): Verdict => ({ verdict: 'ignore', reason });
export const reject = (reason: string): Verdict => ({ verdict: 'reject', reason });
