/** Tells the DHT what is here, sparingly: a record costs a walk and a stream to each of twenty peers, and a busy daemon keeps many files. */
import type { CID } from 'multiformats/cid';
import { type Log, steadyClock } from '../core/index.ts';

/** The part of Helia's routing that is used here. */
export interface Routing {
  provide(cid: CID, options: { signal: AbortSignal }): Promise<unknown>;
}

export interface Providing {
  /** Resolves when the record is placed or given up; what was told lately is not told again. */
  tell(cid: CID): Promise<void>;
}

const PROVIDE_TIMEOUT_MS = 30_000;
/** A record stands for a day or more, and the DHT renews those of a running process. */
const TOLD_FOR_MS = 12 * 3_600_000;
const MAX_REMEMBERED = 4_096;
/** Beyond it nothing is told: neighbours are asked for content directly anyway. */
const MAX_WAITING = 256;

/** One walk at a time. */
export function createProviding(routing: Routing, log: Log, clock = steadyClock): Providing {
  const told = new Map<string, number>();
  let last = Promise.resolve();
  let waiting = 0;

  async function place(cid: CID): Promise<void> {
    try {
      await routing.provide(cid, { signal: AbortSignal.timeout(PROVIDE_TIMEOUT_MS) });
    } catch (error) {
      told.delete(cid.toString());
      log.debug('provider record not placed', { cid: cid.toString(), error });
    }
    waiting--;
  }

  return {
    tell(cid) {
      const key = cid.toString();
      const before = told.get(key);
      if (before !== undefined && clock.now() - before < TOLD_FOR_MS) return last;
      if (waiting >= MAX_WAITING) return last;
      told.delete(key);
      told.set(key, clock.now());
      if (told.size > MAX_REMEMBERED) told.delete(told.keys().next().value!);
      waiting++;
      last = last.then(() => place(cid));
      return last;
    },
  };
}
