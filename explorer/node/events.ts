/**
 * Events of the chain by topic, newest first. A chain node searches a bounded range at a time, so we look back window by
 * window until there is enough; what was found is kept, and a later look asks for the new blocks alone.
 */
import { FedaiError, type Hex } from '../../core/index.ts';
import type { Log } from '../rpc/shapes.ts';
import { ask, latestHeight } from './node.ts';

/** Blocks of one question: a node reads some 256 bytes of each, and gives back 10 000 events at most. */
const WINDOW = 20_000;
/** Windows of one look: half a second of a node's time. Who wants more asks for more. */
const MOST_WINDOWS = 5;
/** A window that holds too many events is halved down to this. */
const LEAST_WINDOW = 64;

export interface EventFilter {
  address?: Hex;
  topics: readonly (Hex | null)[];
}

export interface Found {
  /** Newest first. */
  logs: readonly Log[];
  /** The lowest height that was looked at: 0 when this is all there is. */
  from: number;
}

interface Kept extends Found {
  to: number;
}

const kept = new Map<string, Kept>();
const looking = new Map<string, Promise<Kept>>();

/** At least `wanted` events, or all of some 100 000 blocks; `further` looks back as many blocks again. */
export async function eventsOf(filter: EventFilter, wanted: number, further = false): Promise<Found> {
  const key = JSON.stringify(filter);
  const before = looking.get(key) ?? Promise.resolve(kept.get(key));
  const mine = before.catch(() => kept.get(key)).then((known) => look(filter, known, wanted, further));
  looking.set(key, mine);
  const found = await mine;
  kept.set(key, found);
  if (looking.get(key) === mine) looking.delete(key);
  return found;
}

async function look(
  filter: EventFilter,
  known: Kept | undefined,
  wanted: number,
  further: boolean,
): Promise<Kept> {
  const latest = await latestHeight();
  let { logs, from, to } = known ?? { logs: [], from: latest + 1, to: latest };
  if (latest > to) {
    logs = [...(await searched(filter, to + 1, latest)), ...logs];
    to = latest;
  }
  const isNew = known === undefined || further;
  for (let windows = 0; isNew && windows < MOST_WINDOWS && from > 0; windows++) {
    if (logs.length >= wanted && !further) break;
    const first = Math.max(0, from - WINDOW);
    logs = [...logs, ...(await searched(filter, first, from - 1))];
    from = first;
  }
  return { logs, from, to };
}

/** Newest first. */
async function searched(filter: EventFilter, fromHeight: number, toHeight: number): Promise<Log[]> {
  try {
    return (await ask.logs({ ...filter, fromHeight, toHeight })).reverse();
  } catch (error) {
    const isTooMany = error instanceof FedaiError && /returned more than/.test(error.message);
    if (!isTooMany || toHeight - fromHeight < LEAST_WINDOW) throw error;
    const middle = Math.floor((fromHeight + toHeight) / 2);
    const newer = await searched(filter, middle + 1, toHeight);
    return [...newer, ...(await searched(filter, fromHeight, middle))];
  }
}

/** An account as events name it. */
export const wordOf = (address: Hex): Hex => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;

/** The account that a topic names. */
export const addressIn = (topic: Hex): Hex => `0x${topic.slice(26)}`;
