/** Asks the worker, which is started when it is first needed. */
import { FedaiError } from '../../core/index.ts';
import type {
  AccuracyPoint,
  AccuracyWish,
  CheckResult,
  Damage,
  ModelFacts,
  Question,
  Reply,
} from './messages.ts';

/** The build names it in the page, since its name carries its hash. */
const workerFile = (): string =>
  document.querySelector<HTMLMetaElement>('meta[name=fedai-worker]')?.content ?? '';

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  onCheck?: ((check: CheckResult) => void) | undefined;
  onPoint?: ((point: AccuracyPoint) => void) | undefined;
}

const waiting = new Map<number, Waiting>();
let worker: Worker | undefined;
let nextId = 1;

function open(): Worker {
  if (worker !== undefined) return worker;
  worker = new Worker(workerFile(), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Reply>) => {
    const one = waiting.get(data.id);
    if (data.kind === 'check') return one?.onCheck?.(data.check);
    if (data.kind === 'point') return one?.onPoint?.(data.point);
    waiting.delete(data.id);
    if (data.kind === 'done') one?.resolve(data.value);
    else one?.reject(new FedaiError('WORK_FAILED', data.message));
  };
  worker.onerror = () => {
    for (const { reject } of waiting.values())
      reject(new FedaiError('NO_WORKER', 'the worker did not start'));
    waiting.clear();
    worker = undefined;
  };
  return worker;
}

type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, 'id'> : never) : never;

function ask(question: Asked, told: Pick<Waiting, 'onCheck' | 'onPoint'> = {}): Promise<unknown> {
  const id = nextId++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, ...told });
    open().postMessage({ ...question, id });
  });
}

/** Whether every check of the block's proof holds; each is told as it ends. */
export const verifyBlock = (
  height: number,
  damage: Damage,
  onCheck: (check: CheckResult) => void,
): Promise<boolean> => ask({ kind: 'verify', height, damage }, { onCheck }) as Promise<boolean>;

export const loadModel = (cid: string): Promise<ModelFacts> =>
  ask({ kind: 'model', cid }) as Promise<ModelFacts>;

export const predict = (pixels: Uint8Array): Promise<number[]> =>
  ask({ kind: 'predict', pixels }) as Promise<number[]>;

/** Resolves with the number of records measured on; each training round is told as it is known. */
export const measureAccuracy = (
  wish: AccuracyWish,
  onPoint: (point: AccuracyPoint) => void,
): Promise<number> => ask({ kind: 'accuracy', wish }, { onPoint }) as Promise<number>;
