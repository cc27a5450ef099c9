/** One check of what a block carries, and what each of the replay's says when it holds. */
import { FedaiError } from '../core/index.ts';
import type { Engine } from '../engine/index.ts';
import type { ValidatorSet } from '../light/index.ts';
import type { CHECKS } from '../pouw/index.ts';
import type { WorkSource, WorkTerms } from './source.ts';

export interface WorkCheck {
  name:
    | 'header'
    | 'work section'
    | 'draw'
    | 'case'
    | 'job'
    | 'bundle'
    | (typeof CHECKS)[number]
    | 'model'
    | 'verdict section'
    | 'verdict';
  ok: boolean;
  /** What was found, or why it failed. */
  detail: string;
  /** Set when evidence was out of reach rather than wrong. */
  fault?: FedaiError;
}

/** Where a bundle comes from: what it gives must be the bytes that the id names. */
export interface BundleReader {
  getBytes(cid: string, options: { maxBytes: number }): Promise<Uint8Array>;
}

/** Of a chain-spec file: with it, nothing that an RPC says is believed. */
export interface TrustedChain {
  chainId: bigint;
  validators: ValidatorSet;
  /** Null where blocks carry no proofs of work. */
  work: WorkTerms | null;
}

export interface WorkGiven {
  source: WorkSource;
  content: BundleReader;
  engine: Engine;
  height: number;
  /** Told of the checks on the bundle as each passes: they are yielded only when all of them are done. */
  onPassed?: (check: WorkCheck) => void;
  /** Undefined: the validators, contracts and limits that the RPC names. */
  trusted: TrustedChain | undefined;
}

export function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new FedaiError('NOT_VERIFIED', otherwise);
}

export async function outcomeOf(
  name: WorkCheck['name'],
  step: () => Promise<string>,
  signal: AbortSignal,
): Promise<WorkCheck> {
  try {
    return { name, ok: true, detail: await step() };
  } catch (error) {
    signal.throwIfAborted();
    const check: WorkCheck = {
      name,
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
    };
    if (error instanceof FedaiError && error.transient) check.fault = error;
    return check;
  }
}

export const DETAILS: Record<(typeof CHECKS)[number], string> = {
  document: 'the job document has the hash that was posted',
  plan: 'the segment is one of those that the document plans, within the limits of the chain',
  manifest: 'the manifest is that of the training set',
  start: 'the start state is in the committed trace, at its place',
  records: "every record of the segment's batches is in the training set",
  end: 'the end state is in the committed trace, right after it',
  replay: 'the steps, executed again, lead to it bit for bit',
};
