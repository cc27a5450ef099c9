/** The daemon's side of the trainer thread: one job's exact training as calls that resolve. Owns no data and no decisions. */
import { Worker } from 'node:worker_threads';
import { FedaiError, type Hex } from '../core/index.ts';
import type { KernelName } from '../engine/index.ts';
import type { JobDocument } from '../job/index.ts';
import type {
  EncodedState,
  Finished,
  TrainerAnswer,
  TrainerOutcome,
  TrainerRequest,
} from './trainerTypes.ts';

export interface Trainer {
  readonly kernel: string;
  /** False once the thread has died: open another trainer then. */
  readonly alive: boolean;
  /** The state that every worker starts from. */
  initial(): Promise<EncodedState>;
  /** State root and finished steps of bytes from elsewhere; throws `BAD_STATE`. */
  check(state: Uint8Array): Promise<{ stateRoot: Hex; counter: number }>;
  load(state: Uint8Array): Promise<void>;
  /** Whole batches from the loaded state; losses in nats × 2^16, one a step. */
  steps(inputs: Uint8Array, labels: Uint8Array): Promise<number[]>;
  /** Bytes of the state that the steps led to. */
  mark(): Promise<Uint8Array>;
  average(states: Uint8Array[]): Promise<EncodedState>;
  finish(state: Uint8Array): Promise<Finished>;
  /** Rightly classified samples. */
  score(state: Uint8Array, inputs: Uint8Array, labels: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

export interface TrainerOptions {
  document: JobDocument;
  seed: Hex;
  jobId: bigint;
  kernel?: 'auto' | KernelName;
  threads?: number;
}

/** Starts the thread and its engine. Every call throws `TRAINER_GONE` (transient) once the thread has died. */
export async function openTrainer(options: TrainerOptions): Promise<Trainer> {
  const ask = startThread();
  const { document, seed, jobId, kernel = 'auto', threads = 1 } = options;
  const opened = await ask
    .request('opened', { type: 'open', document, seed, jobId, kernel, threads })
    .catch(async (error) => {
      await ask.close();
      throw error;
    });
  return {
    kernel: opened.kernel,
    get alive() {
      return ask.alive();
    },
    initial: async () => (await ask.request('state', { type: 'initial' })).state,
    check: (state) => ask.request('checked', { type: 'check', state }),
    async load(state) {
      await ask.request('loaded', { type: 'load', state });
    },
    steps: async (inputs, labels) =>
      (await ask.request('stepped', { type: 'steps', inputs, labels })).lossesQ16,
    mark: async () => (await ask.request('marked', { type: 'mark' })).bytes,
    average: async (states) => (await ask.request('state', { type: 'average', states })).state,
    finish: async (state) => (await ask.request('finished', { type: 'finish', state })).finished,
    score: async (state, inputs, labels) =>
      (await ask.request('scored', { type: 'score', state, inputs, labels })).correct,
    close: ask.close,
  };
}

type OutcomeOf<Type extends TrainerOutcome['type']> = Extract<TrainerOutcome, { type: Type }>;

interface Waiting {
  resolve(outcome: TrainerOutcome): void;
  reject(error: FedaiError): void;
}

interface Thread {
  alive(): boolean;
  request<Type extends TrainerOutcome['type']>(
    expected: Type,
    request: TrainerRequest,
  ): Promise<OutcomeOf<Type>>;
  close(): Promise<void>;
}

function startThread(): Thread {
  const thread = new Worker(new URL('./trainerThread.ts', import.meta.url));
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let gone: FedaiError | undefined;
  const die = (cause: unknown): void => {
    gone ??= threadGone(cause);
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  };
  thread.on('message', (answer: TrainerAnswer) => settle(waiting, answer));
  thread.on('error', die);
  thread.on('exit', die);
  return {
    alive: () => gone === undefined,
    request(expected, request) {
      if (gone !== undefined) return Promise.reject(gone);
      const id = nextId++;
      return new Promise((resolve, reject) => {
        waiting.set(id, {
          reject,
          resolve(outcome) {
            if (outcome.type === expected) resolve(outcome as OutcomeOf<typeof expected>);
            else
              reject(new FedaiError('TRAINER_FAILED', 'unexpected answer', { got: outcome.type, expected }));
          },
        });
        thread.postMessage({ id, request });
      });
    },
    async close() {
      await thread.terminate();
    },
  };
}

/** A thread that needs more memory than it may have ends alone; the daemon goes on, and says what would help. */
function threadGone(cause: unknown): FedaiError {
  const isMemory = (cause as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const remedy = 'give it more memory (NODE_OPTIONS=--max-old-space-size=8192), or take smaller jobs';
  const why = isMemory ? 'the trainer thread ran out of memory' : 'the trainer thread ended';
  return new FedaiError('TRAINER_GONE', why, {}, { cause, transient: true, ...(isMemory && { remedy }) });
}

function settle(waiting: Map<number, Waiting>, answer: TrainerAnswer): void {
  const entry = waiting.get(answer.id);
  waiting.delete(answer.id);
  if (entry === undefined) return;
  if ('outcome' in answer) {
    entry.resolve(answer.outcome);
    return;
  }
  const { code, message, remedy } = answer.fault;
  entry.reject(new FedaiError(code, message, {}, remedy === undefined ? {} : { remedy }));
}
