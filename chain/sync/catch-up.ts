/** One catch-up: several ranges on their way at once, applied in order, until nobody claims more. */
import { FedaiError } from '../../core/index.ts';
import { PENALTY } from '../../net/index.ts';
import { type Fetched, fetchRange } from './fetch-range.ts';
import { MAX_RANGE_BLOCKS } from './messages.ts';
import type { PeerHeights } from './peer-heights.ts';
import { sample } from './sample.ts';
import type { SyncInput } from './sync.ts';

/** Ranges on their way at once, each from another peer as far as there are. */
const MAX_IN_FLIGHT = 4;
/** Scores halve for ever and never come back to 0. */
const GOOD_STANDING = -1;

export async function catchUp(input: SyncInput, heights: PeerHeights, signal: AbortSignal): Promise<void> {
  const { store, log, clock } = input;
  const startedAt = store.height;
  const flights = new Map<number, Promise<Fetched>>();
  const running = new Map<string, number>();
  const count = (id: string, by: number) => {
    const left = (running.get(id) ?? 0) + by;
    if (left === 0) running.delete(id);
    else running.set(id, left);
  };

  async function fly(id: string, first: number): Promise<Fetched> {
    count(id, 1);
    const fetched = await fetchRange(input, { id, first }, signal);
    count(id, -1);
    if (fetched.blocks.length === 0) heights.failed(id, clock.now());
    return fetched;
  }

  while (!signal.aborted && heights.best(clock.now()) > store.height) {
    const next = store.height + 1;
    for (const first of flights.keys()) if (first < next) flights.delete(first);
    const best = heights.best(clock.now());
    for (let first = next; flights.size < MAX_IN_FLIGHT && first <= best; first += MAX_RANGE_BLOCKS) {
      if (flights.has(first)) continue;
      // A lone peer is asked for one range ahead: more it refuses.
      const idleOnly = flights.size > 1 && first > next;
      const id = choose(input, heights.at(first, clock.now()), running, idleOnly);
      if (id === undefined) break;
      flights.set(first, fly(id, first));
    }
    const fetched = await flights.get(next);
    flights.delete(next);
    if (fetched === undefined) break;
    await applyRange(input, heights, fetched);
  }
  await Promise.all(flights.values());
  if (store.height > startedAt) log.info('caught up', { from: startedAt, height: store.height });
}

/** One that does nothing else before one that does, and one in good standing before one that was slow or worse. */
function choose(
  { peer, random }: SyncInput,
  able: readonly string[],
  running: ReadonlyMap<string, number>,
  idleOnly: boolean,
): string | undefined {
  const good = able.filter((id) => peer.scores.score(id) > GOOD_STANDING);
  const trusted = good.length > 0 ? good : able;
  const idle = trusted.filter((id) => !running.has(id));
  return sample(idle.length > 0 || idleOnly ? idle : trusted, 1, random)[0];
}

async function applyRange(input: SyncInput, heights: PeerHeights, fetched: Fetched): Promise<void> {
  const { from, blocks, whole } = fetched;
  for (const { block, commit } of blocks) {
    try {
      await input.consensus.applyDecided(block, commit);
    } catch (error) {
      if (!(error instanceof FedaiError) || !LIES.has(error.code)) throw error;
      input.peer.scores.penalise(from, PENALTY.forged, error.message);
      heights.failed(from, input.clock.now());
      input.log.warn('peer sent a block that is not final', { peer: from, error });
      return;
    }
    // Not taken: consensus stops.
    if (input.store.height < Number(block.header.number)) return heights.failed(from, input.clock.now());
  }
  if (blocks.length === 0) return;
  heights.delivered(from);
  // A short rest, so that others are asked before one that drips.
  if (!whole) heights.failed(from, input.clock.now());
}

const LIES = new Set(['BAD_BLOCK_COMMIT', 'INVALID_BLOCK']);
