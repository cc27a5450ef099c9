/** Peers worth dialling and when: bounded, with back-off. Pure but for the clock value it is given; dials nothing. */
import { MAX_CANDIDATES } from './limits.ts';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** A peer that was there a moment ago is likely to be back: a network that was cut in two joins within a block or two. */
const MET_RETRY_MS = 500;
const MET_FOR_MS = 10 * 60_000;
/** Failures in that time count no further, so that it is given up as late as any other; no power of two, which would be told each time. */
const MET_FAILURES = 5;
/** A peer that failed this often (about five minutes) is forgotten; a bootstrap peer never is. */
const FORGET_AFTER_FAILURES = 14;

export interface Candidate {
  /** Peer id, or the bootstrap address where it names none. */
  key: string;
  addresses: string[];
  bootstrap: boolean;
  failures: number;
  notBeforeMs: number;
  /** When it was last known to be connected. */
  metAtMs: number | undefined;
}

export interface Candidates {
  add(key: string, addresses: readonly string[], bootstrap?: boolean): void;
  get(key: string): Candidate | undefined;
  /** Those due at `nowMs`, bootstrap peers first. */
  due(nowMs: number): Candidate[];
  failed(key: string, nowMs: number): Candidate | undefined;
  succeeded(key: string, nowMs: number): void;
  /** Its connection has ended: it was there until now. */
  lost(key: string, nowMs: number): void;
}

export function createCandidates(): Candidates {
  const entries = new Map<string, Candidate>();
  const met = (key: string, nowMs: number): void => {
    const entry = entries.get(key);
    if (entry !== undefined) Object.assign(entry, { failures: 0, notBeforeMs: 0, metAtMs: nowMs });
  };
  return {
    add(key, addresses, bootstrap = false) {
      const known = entries.get(key);
      if (known !== undefined) {
        if (addresses.length > 0 && !known.bootstrap) known.addresses = [...addresses];
        return;
      }
      if (entries.size >= MAX_CANDIDATES && !bootstrap) return;
      entries.set(key, {
        key,
        addresses: [...addresses],
        bootstrap,
        failures: 0,
        notBeforeMs: 0,
        metAtMs: undefined,
      });
    },
    get: (key) => entries.get(key),
    due: (nowMs) =>
      [...entries.values()]
        .filter((entry) => entry.notBeforeMs <= nowMs)
        .sort((a, b) => Number(b.bootstrap) - Number(a.bootstrap)),
    failed(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      const isMet = entry.metAtMs !== undefined && nowMs - entry.metAtMs < MET_FOR_MS;
      entry.failures = isMet ? Math.min(entry.failures + 1, MET_FAILURES) : entry.failures + 1;
      const longest = isMet ? MET_RETRY_MS : LAST_RETRY_MS;
      entry.notBeforeMs = nowMs + Math.min(longest, FIRST_RETRY_MS * 2 ** (entry.failures - 1));
      if (!entry.bootstrap && entry.failures >= FORGET_AFTER_FAILURES) entries.delete(key);
      return entry;
    },
    succeeded: (key, nowMs) => met(key, nowMs),
    lost: (key, nowMs) => met(key, nowMs),
  };
}
