/** One replay thread: started ahead or with its first bundle, one replay at a time, started anew when it dies. */
import { Worker } from 'node:worker_threads';
import { FedaiError, type Log } from '../../core/index.ts';
import type { ReplayAnswer, ReplayRequest, ReplayThreadData } from './types.ts';

export type LaneAnswer = Extract<ReplayAnswer, { verified: unknown }>;

export interface Lane {
  /** Starts the thread, so that its engine is admitted before the first bundle comes. */
  warm(): void;
  /** Throws `REPLAY_FAILED` (transient) when the thread dies, takes too long or is not wanted when its turn comes: no verdict on the bundle. */
  run(request: Omit<ReplayRequest, 'id'>, signal?: AbortSignal): Promise<LaneAnswer>;
  close(): Promise<void>;
}

export interface LaneOptions extends ReplayThreadData {
  readonly timeoutMs: number;
  readonly log: Log;
}

export function openLane({ kernel, timeoutMs, log }: LaneOptions): Lane {
  let thread: Worker | undefined;
  let nextId = 1;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const discard = async () => {
    const dead = thread;
    thread = undefined;
    await dead?.terminate();
  };
  const start = (): Worker => {
    const workerData: ReplayThreadData = { kernel };
    const started = new Worker(new URL('./thread.ts', import.meta.url), { workerData });
    // One that dies while nothing is asked of it is started anew by the next bundle.
    started
      .on('error', (error) => log.debug('a replay thread ended', { kernel, error }))
      .once('exit', () => {
        if (thread === started) thread = undefined;
      });
    return started;
  };
  const ask = async (request: Omit<ReplayRequest, 'id'>, signal?: AbortSignal): Promise<LaneAnswer> => {
    if (isClosed || signal?.aborted) throw failed('it is not wanted any more');
    thread ??= start();
    try {
      // A fast replay is over sooner than a thread has started anew; one by the reference may hold up others for minutes.
      const ending = kernel === 'reference' ? signal : undefined;
      return await answerOf(thread, { ...request, id: nextId++ }, timeoutMs, ending);
    } catch (error) {
      if (!isClosed && !signal?.aborted)
        log.warn('a replay failed; the thread is started anew', { kernel, error });
      await discard();
      throw error;
    }
  };
  return {
    warm() {
      if (!isClosed) thread ??= start();
    },
    run(request, signal) {
      const answer = last.then(() => ask(request, signal));
      last = answer.catch(() => undefined);
      return answer;
    },
    async close() {
      isClosed = true;
      await discard();
    },
  };
}

const failed = (cause: unknown): FedaiError =>
  new FedaiError('REPLAY_FAILED', 'a segment could not be replayed', {}, { cause, transient: true });

function answerOf(
  thread: Worker,
  request: ReplayRequest,
  timeoutMs: number,
  ending: AbortSignal | undefined,
): Promise<LaneAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => finish(() => reject(failed(cause)));
    const timer = setTimeout(() => fail('it takes too long'), timeoutMs);
    const onEnd = () => fail('it is not wanted any more');
    const onMessage = (answer: ReplayAnswer) => {
      if (answer.id !== request.id) return;
      if ('verified' in answer) finish(() => resolve(answer));
      else fail(answer.fault);
    };
    const finish = (act: () => void) => {
      clearTimeout(timer);
      ending?.removeEventListener('abort', onEnd);
      thread.off('message', onMessage).off('error', fail).off('exit', fail);
      act();
    };
    ending?.addEventListener('abort', onEnd, { once: true });
    thread.on('message', onMessage).once('error', fail).once('exit', fail);
    thread.postMessage(request);
  });
}
