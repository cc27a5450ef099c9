/** Scores a model on a thread of its own. */
import { Worker } from 'node:worker_threads';
import { FedaiError } from '../core/index.ts';
import type { ModelScore } from '../job/index.ts';
import type { ScoreAnswer, ScoreRequest } from './scorerTypes.ts';

/** Throws the fault of the engine, `SCORER_GONE` (transient) when the thread dies, or the abort reason. */
export async function scoreOnThread(request: ScoreRequest, signal: AbortSignal): Promise<ModelScore> {
  signal.throwIfAborted();
  const thread = new Worker(new URL('./scorerThread.ts', import.meta.url), { workerData: request });
  const stop = (): void => void thread.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answer = await new Promise<ScoreAnswer>((resolve, reject) => {
      const gone = (cause: unknown): void => {
        reject(threadGone(cause));
      };
      thread.once('message', resolve);
      thread.once('error', gone);
      thread.once('exit', gone);
    });
    if ('fault' in answer) throw new FedaiError(answer.fault.code, answer.fault.message);
    return answer;
  } finally {
    signal.removeEventListener('abort', stop);
    await thread.terminate();
  }
}

/** A thread that needs more memory than it may have ends alone; the daemon goes on, and says what would help. */
function threadGone(cause: unknown): FedaiError {
  const isMemory = (cause as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const remedy = 'give it more memory (NODE_OPTIONS=--max-old-space-size=8192)';
  const why = isMemory ? 'the scoring thread ran out of memory' : 'the scoring thread ended';
  return new FedaiError('SCORER_GONE', why, {}, { cause, transient: true, ...(isMemory && { remedy }) });
}
