/** The state that the chain fixed last: found in memory, on disk or in the content store, verified, and kept. */
import { FedaiError, type Hex, sleep } from '../core/index.ts';
import { momentsOf, stateLength } from '../engine/index.ts';
import type { EventOf } from '../market/index.ts';
import { slotsOf } from './bitmap.ts';
import type { Assignment, WorkerContext } from './context.ts';
import type { JobStore } from './jobStore.ts';
import { remakeState } from './remake.ts';
import type { EncodedState } from './trainerTypes.ts';

export interface AgreedState {
  /** Number of fixed rounds that led to it; 0 is the initial state. */
  rounds: number;
  state: EncodedState;
  stateCid: string | undefined;
}

/** The state of every worker before round 0. */
export const initialAgreed = async ({ trainer }: Assignment): Promise<AgreedState> => ({
  rounds: 0,
  state: await trainer.initial(),
  stateCid: undefined,
});

/** The event that fixed a round. */
export async function fixingEvent(
  { market }: WorkerContext,
  jobId: bigint,
  round: number,
): Promise<EventOf<'RoundCommitted'>> {
  const { fixedAt } = await market.roundOf(jobId, round);
  const query = { fromHeight: fixedAt, toHeight: fixedAt, jobId, names: ['RoundCommitted'] as const };
  for (const event of await market.events(query)) {
    if (event.name === 'RoundCommitted' && event.round === round) return event;
  }
  throw new FedaiError('NO_EVENT', 'a fixed round without its event', { jobId, round }, { transient: true });
}

/** Finds, verifies, keeps and pins the state of a fixed round. Throws a transient error when it is not to be had now. */
export async function adopt(
  context: WorkerContext,
  assignment: Assignment,
  store: JobStore,
  fixed: EventOf<'RoundCommitted'>,
  signal: AbortSignal,
  remakeAfterMs = REMAKE_AFTER_MS,
): Promise<AgreedState> {
  const { jobId } = assignment;
  const { stateRoot, stateCid, round } = fixed;
  const bytes = await stateOf({ context, assignment, store }, fixed, remakeAfterMs, signal);
  await store.save(round, bytes);
  context.states.hold(jobId, stateRoot, bytes);
  const { content } = context.peer;
  await content.putBytes(bytes);
  // Who wants it is in the job's topic; there is a new one every round.
  await content.pin(stateCid, { tell: false });
  return { rounds: round + 1, state: { bytes, stateRoot }, stateCid };
}

/** Peers that have the state answer in seconds; who has it may come back later than it is made anew. */
const REMAKE_AFTER_MS = 20_000;
/** Once one state is not to be had, the ones before it will hardly be. */
const REMAKE_EARLIER_AFTER_MS = 1_000;

const FETCH_AGAIN_MS = 1_000;

interface Places {
  context: WorkerContext;
  assignment: Assignment;
  store: JobStore;
}

/** Verified bytes from memory, disk or the content store; made anew from the round before when that takes too long. */
async function stateOf(
  places: Places,
  fixed: EventOf<'RoundCommitted'>,
  remakeAfterMs: number,
  wanted: AbortSignal,
): Promise<Uint8Array> {
  const { context, assignment, store } = places;
  const { stateRoot, round } = fixed;
  const here =
    context.states.held(stateRoot) ??
    (await verified(assignment.trainer, await store.load(round), stateRoot));
  if (here !== undefined) return here;
  const ended = new AbortController();
  const signal = AbortSignal.any([wanted, ended.signal]);
  const fetched = fetchState(places, fixed, signal);
  try {
    const patience = sleep(remakeAfterMs, signal).then(() => undefined);
    const first = await Promise.race([fetched, patience]).catch(() => undefined);
    if (first !== undefined) return first;
    signal.throwIfAborted();
    const remade = remake(places, fixed, signal);
    return await Promise.race([fetched.catch(() => remade), remade]);
  } finally {
    ended.abort();
  }
}

/** Asks until somebody has it; rejects when what they have is not the state. */
async function fetchState(
  { context, assignment }: Places,
  { jobId, round, stateRoot, stateCid }: EventOf<'RoundCommitted'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const maxBytes = stateLength(assignment.job.model, momentsOf(assignment.job.recipe));
  for (;;) {
    try {
      const bytes = await context.peer.content.getBytes(stateCid, { maxBytes, signal });
      if ((await verified(assignment.trainer, bytes, stateRoot)) !== undefined) return bytes;
      const about = { jobId, round, stateCid };
      throw new FedaiError('BAD_STATE', 'the content behind a fixed round is not its state', about);
    } catch (error) {
      if (!(error instanceof FedaiError && error.transient)) throw error;
      context.log.info('nobody has the state of a fixed round now', { round, error });
      await sleep(FETCH_AGAIN_MS, signal);
    }
  }
}

/** The state that training round `round` starts from. */
export async function stateBefore(places: Places, round: number, signal: AbortSignal): Promise<EncodedState> {
  const { context, assignment } = places;
  if (round === 0) return await assignment.trainer.initial();
  const fixed = await fixingEvent(context, assignment.jobId, round - 1);
  const bytes = await stateOf(places, fixed, REMAKE_AFTER_MS, signal);
  return { bytes, stateRoot: fixed.stateRoot };
}

/** From the round before, which may have to be made anew as well: back to the initial state, if need be. */
async function remake(
  places: Places,
  { jobId, round, stateRoot, contributors }: EventOf<'RoundCommitted'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { context, assignment } = places;
  context.log.warn('nobody has the state of a fixed round; making it anew', { round });
  const before =
    round === 0
      ? (await assignment.trainer.initial()).bytes
      : await stateOf(places, await fixingEvent(context, jobId, round - 1), REMAKE_EARLIER_AFTER_MS, signal);
  return remakeState(assignment, before, { round, stateRoot, contributors: slotsOf(contributors) }, signal);
}

async function verified(
  trainer: Assignment['trainer'],
  bytes: Uint8Array | undefined,
  stateRoot: Hex,
): Promise<Uint8Array | undefined> {
  if (bytes === undefined) return undefined;
  const checked = await trainer.check(bytes).catch(() => undefined);
  return checked?.stateRoot === stateRoot ? bytes : undefined;
}
