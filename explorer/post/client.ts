/** Asks the worker of a new job's page, which is started when it is first needed. */
import { FedaiError } from '../../core/index.ts';
import type { DataFacts, DraftFacts, Dropped, Prepared, Question, Reply, Wanted } from './messages.ts';

/** The build names it in the page, since its name carries its hash. */
const workerFile = (): string =>
  document.querySelector<HTMLMetaElement>('meta[name=fedai-post-worker]')?.content ?? '';

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  onProgress: (share: number) => void;
}

const waiting = new Map<number, Waiting>();
let worker: Worker | undefined;
let nextId = 1;

function open(): Worker {
  if (worker !== undefined) return worker;
  worker = new Worker(workerFile(), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Reply>) => {
    const one = waiting.get(data.id);
    if (data.kind === 'progress') return one?.onProgress(data.share);
    waiting.delete(data.id);
    if (data.kind === 'done') return one?.resolve(data.value);
    const { code, message, remedy } = data;
    one?.reject(new FedaiError(code, message, {}, remedy === undefined ? {} : { remedy }));
  };
  worker.onerror = () => {
    for (const { reject } of waiting.values())
      reject(new FedaiError('NO_WORKER', 'the worker did not start', {}, { remedy: 'Reload the page.' }));
    waiting.clear();
    worker = undefined;
  };
  return worker;
}

type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, 'id'> : never) : never;

function ask(question: Asked, onProgress: (share: number) => void = () => {}): Promise<unknown> {
  const id = nextId++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, onProgress });
    open().postMessage({ ...question, id });
  });
}

export const readData = (
  files: readonly Dropped[],
  input: readonly number[],
  onProgress: (share: number) => void,
): Promise<DataFacts> => ask({ kind: 'read', files, input }, onProgress) as Promise<DataFacts>;

/** `records`: how many to train on, where the data is not there yet. */
export const checkDraft = (wanted: Wanted, records = 0): Promise<DraftFacts> =>
  ask({ kind: 'check', wanted, records }) as Promise<DraftFacts>;

export const prepareJob = (wanted: Wanted, onProgress: (share: number) => void): Promise<Prepared> =>
  ask({ kind: 'prepare', wanted }, onProgress) as Promise<Prepared>;
