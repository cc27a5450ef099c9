/** The chain node's side of the replay thread: started with the first bundle, one replay at a time, started anew when it dies. */
import { Worker } from 'node:worker_threads';
import { FedaiError, type Log } from '../../core/index.ts';
import type { ReplayAnswer, ReplayOutcome, ReplayRequest } from './replayTypes.ts';

export interface Replayer {
  /** Throws `REPLAY_FAILED` (transient) when the thread dies or takes too long: that is no verdict on the bundle. */
  replay(request: Omit<ReplayRequest, 'id'>): Promise<ReplayOutcome>;
  close(): Promise<void>;
}

/** Limits of the chain keep a replay near a second; the reference kernel is a hundred times slower. */
const REPLAY_TIMEOUT_MS = 120_000;

export function createReplayer(log: Log): Replayer {
  let thread: Worker | undefined;
  let nextId = 1;
  let last: Promise<unknown> = Promise.resolve();
  const discard = async () => {
    const dead = thread;
    thread = undefined;
    await dead?.terminate();
  };
  const ask = async (request: Omit<ReplayRequest, 'id'>): Promise<ReplayOutcome> => {
    thread ??= new Worker(new URL('./replayThread.ts', import.meta.url));
    try {
      return await answerOf(thread, { ...request, id: nextId++ });
    } catch (error) {
      log.warn('a replay failed; the thread is started anew', { error });
      await discard();
      throw error;
    }
  };
  return {
    replay(request) {
      const answer = last.then(() => ask(request));
      last = answer.catch(() => undefined);
      return answer;
    },
    close: discard,
  };
}

function answerOf(thread: Worker, request: ReplayRequest): Promise<ReplayOutcome> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      finish(() =>
        reject(
          new FedaiError('REPLAY_FAILED', 'a segment could not be replayed', {}, { cause, transient: true }),
        ),
      );
    const timer = setTimeout(() => fail('it takes too long'), REPLAY_TIMEOUT_MS);
    const onMessage = (answer: ReplayAnswer) => {
      if (answer.id !== request.id) return;
      if ('outcome' in answer) finish(() => resolve(answer.outcome));
      else fail(answer.fault);
    };
    const finish = (act: () => void) => {
      clearTimeout(timer);
      thread.off('message', onMessage).off('error', fail).off('exit', fail);
      act();
    };
    thread.on('message', onMessage).once('error', fail).once('exit', fail);
    thread.postMessage(request);
  });
}
