/** State roots on a thread of their own: hashing the states at the borders of segments overlaps with training. */
import { Worker } from 'node:worker_threads';
import { FedaiError } from '../core/index.ts';
import type { ModelDocument } from '../engine/index.ts';
import type { HasherAnswer, HasherRequest } from './hasherTypes.ts';

export interface Hasher {
  /** 32 bytes. Throws `HASHER_GONE` (transient) once the thread has died. */
  rootOf(state: Uint8Array): Promise<Uint8Array>;
  /** False once the thread has died: open another then. */
  readonly alive: boolean;
  close(): Promise<void>;
}

interface Waiting {
  resolve(root: Uint8Array): void;
  reject(error: FedaiError): void;
}

export function openHasher(model: ModelDocument): Hasher {
  const thread = new Worker(new URL('./hasherThread.ts', import.meta.url), { workerData: model });
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let gone: FedaiError | undefined;
  const die = (cause: unknown): void => {
    gone ??= new FedaiError('HASHER_GONE', 'the hashing thread ended', {}, { cause, transient: true });
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  };
  thread.on('error', die).on('exit', die);
  thread.on('message', (answer: HasherAnswer) => {
    const entry = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('root' in answer) entry?.resolve(answer.root);
    else entry?.reject(new FedaiError('BAD_STATE', answer.fault));
  });
  return {
    get alive() {
      return gone === undefined;
    },
    rootOf(state) {
      if (gone !== undefined) return Promise.reject(gone);
      const id = nextId++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        thread.postMessage({ id, state } satisfies HasherRequest);
      });
    },
    async close() {
      await thread.terminate();
    },
  };
}
