/**
 * Outcomes of message calls, remembered: many daemons ask one node the same of each block, and a call in a given block
 * always ends the same.
 */
import { toHex } from '../../core/index.ts';
import type { CallOutcome, CallRequest } from './types.ts';

export interface CallMemory {
  /** Undefined when nothing is known; rejects as the execution under way does. */
  recall(key: string | undefined): Promise<CallOutcome> | undefined;
  /** Runs `work` unless its outcome is known or under way. */
  remember(key: string | undefined, work: () => Promise<CallOutcome>): Promise<CallOutcome>;
}

/** About 8 MiB: what is asked of a head is not asked again when it has passed. */
const MAX_ENTRIES = 2_048;
const MAX_BYTES = 4 << 20;
/** Larger ones are seldom asked twice. */
const MAX_REQUEST_BYTES = 512;
const MAX_OUTPUT_BYTES = 1 << 16;

/** `blockHash`: of the block in whose state the call runs. Undefined for a call that is not worth remembering. */
export function callKey(blockHash: Uint8Array, request: CallRequest): string | undefined {
  const { from, to, data, value, gasLimit, gasPrice } = request;
  if (data.length > MAX_REQUEST_BYTES) return undefined;
  return [toHex(blockHash), from, to, toHex(data), value, gasLimit, gasPrice].join('|');
}

export function createCallMemory(): CallMemory {
  /** Oldest first. */
  const known = new Map<string, { outcome: Promise<CallOutcome>; bytes: number }>();
  let bytes = 0;
  const forget = (key: string) => {
    bytes -= known.get(key)?.bytes ?? 0;
    known.delete(key);
  };
  const keep = (key: string, size: number) => {
    const entry = known.get(key);
    if (entry === undefined) return;
    // It may be a later run of a call that was forgotten while this one ran.
    bytes += size - entry.bytes;
    entry.bytes = size;
    if (size > MAX_OUTPUT_BYTES) forget(key);
    for (const oldest of known.keys()) {
      if (known.size <= MAX_ENTRIES && bytes <= MAX_BYTES) return;
      forget(oldest);
    }
  };
  return {
    recall: (key) => (key === undefined ? undefined : known.get(key)?.outcome),
    remember(key, work) {
      if (key === undefined) return work();
      const before = known.get(key);
      if (before !== undefined) return before.outcome;
      const outcome = work();
      known.set(key, { outcome, bytes: 0 });
      outcome.then(
        ({ output }) => keep(key, output.length),
        () => forget(key),
      );
      return outcome;
    },
  };
}
