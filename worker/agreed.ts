/** The state that the chain fixed last: found in memory, on disk or in the content store, verified, and kept. */
import { FedaiError, type Hex } from '../core/index.ts';
import type { EventOf } from '../market/index.ts';
import type { Assignment, WorkerContext } from './context.ts';
import type { JobStore } from './jobStore.ts';
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

/** Fetches, verifies, keeps and pins the state of a fixed round. Throws a transient error when nobody offers it now. */
export async function adopt(
  context: WorkerContext,
  assignment: Assignment,
  store: JobStore,
  fixed: EventOf<'RoundCommitted'>,
  byteLength: number,
): Promise<AgreedState> {
  const { content } = context.peer;
  const { jobId, trainer } = assignment;
  const { stateRoot, stateCid, round } = fixed;
  const bytes =
    context.states.held(stateRoot) ??
    (await verified(trainer, await store.load(round), stateRoot)) ??
    (await content.getBytes(stateCid, { maxBytes: byteLength, signal: context.signal }));
  if ((await verified(trainer, bytes, stateRoot)) === undefined) {
    throw new FedaiError('BAD_STATE', 'the content behind a fixed round is not its state', {
      jobId,
      round,
      stateCid,
    });
  }
  await store.save(round, bytes);
  context.states.hold(jobId, stateRoot, bytes);
  await content.putBytes(bytes);
  await content.pin(stateCid);
  return { rounds: round + 1, state: { bytes, stateRoot }, stateCid };
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
