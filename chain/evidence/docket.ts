/** The offences that this node knows of, open ones first in line by height. In memory only; consensus keeps the evidence. */
import type { Hex } from '../../core/index.ts';
import type { Evidence } from '../consensus/index.ts';
import { type Offence, offenceOf } from './report.ts';

/**
 * open: not punished yet; sent: our transaction waits for a block; punished: the chain shows it; expired: older than the
 * evidence window; worthless: less would be slashed than the report costs; refused: Staking does not take it.
 */
export type CaseStatus = 'open' | 'sent' | 'punished' | 'expired' | 'worthless' | 'refused';

export interface Case {
  readonly evidence: Evidence;
  readonly offence: Offence;
  status: CaseStatus;
  /** Height from which it is looked at again. */
  dueAt: number;
  /** Times it was looked at in vain. */
  attempts: number;
  transaction: Hex | null;
  /** Why it is not reported, if it is not. */
  reason: string | null;
}

/** Each costs a call of the contract now and then; a validator can offend without end. */
export const MAX_OPEN = 256;
const MAX_CLOSED = 256;

export interface Docket {
  /** Undefined when it is known or there is no room. */
  open(evidence: Evidence, dueAt: number): Case | undefined;
  due(height: number): Case[];
  close(one: Case, status: CaseStatus, reason?: string): void;
  all(): Case[];
}

export function createDocket(): Docket {
  const open = new Map<string, Case>();
  const closed = new Map<string, Case>();
  const keyOf = ({ validator, kind, height, round }: Offence) => `${validator}/${kind}/${height}/${round}`;
  return {
    open(evidence, dueAt) {
      const offence = offenceOf(evidence);
      const key = keyOf(offence);
      if (open.has(key) || closed.has(key) || open.size >= MAX_OPEN) return undefined;
      const one: Case = {
        evidence,
        offence,
        status: 'open',
        dueAt,
        attempts: 0,
        transaction: null,
        reason: null,
      };
      open.set(key, one);
      return one;
    },
    due: (height) =>
      [...open.values()]
        .filter((one) => one.dueAt <= height)
        .sort((a, b) => a.offence.height - b.offence.height),
    close(one, status, reason) {
      const key = keyOf(one.offence);
      one.status = status;
      one.reason = reason ?? null;
      open.delete(key);
      if (closed.size >= MAX_CLOSED) closed.delete(closed.keys().next().value!);
      closed.set(key, one);
    },
    all: () => [...closed.values(), ...open.values()],
  };
}
