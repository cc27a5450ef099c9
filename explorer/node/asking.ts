/** Questions to a web worker, which is started with the first of them and anew when it has died. */
import { FedaiError } from '../../core/index.ts';

/** How every question ends; a worker may tell other things before. */
export type End =
  | { readonly id: number; readonly kind: 'done'; readonly value: unknown }
  | {
      readonly id: number;
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly remedy: string | undefined;
    };

/** What the page hears of an error in the worker. */
export function failureOf(id: number, error: unknown): End {
  if (!(error instanceof FedaiError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { id, kind: 'failed', code: 'WORK_FAILED', message, remedy: undefined };
  }
  const { code, message, remedy } = error;
  return { id, kind: 'failed', code, message, remedy };
}

/** A question without its number. */
export type Unnumbered<Question> = Question extends unknown ? Omit<Question, 'id'> : never;

interface Waiting<Told> {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  onTold: ((told: Told) => void) | undefined;
}

/** `meta`: name of the element in which the build names the worker's file, since its name carries its hash. */
export function createAsking<Question, Told extends { readonly id: number; readonly kind: string } = never>(
  meta: string,
) {
  const waiting = new Map<number, Waiting<Told>>();
  let worker: Worker | undefined;
  let nextId = 1;
  const isEnd = (reply: End | Told): reply is End => reply.kind === 'done' || reply.kind === 'failed';
  const onReply = ({ data }: MessageEvent<End | Told>) => {
    const one = waiting.get(data.id);
    if (!isEnd(data)) return one?.onTold?.(data);
    waiting.delete(data.id);
    if (data.kind === 'done') return one?.resolve(data.value);
    const { code, message, remedy } = data;
    one?.reject(new FedaiError(code, message, {}, remedy === undefined ? {} : { remedy }));
  };
  const open = (): Worker => {
    if (worker !== undefined) return worker;
    const file = document.querySelector<HTMLMetaElement>(`meta[name=${meta}]`)?.content ?? '';
    worker = new Worker(file, { type: 'module' });
    worker.onmessage = onReply;
    worker.onerror = () => {
      for (const { reject } of waiting.values())
        reject(new FedaiError('NO_WORKER', 'the worker did not start', {}, { remedy: 'Reload the page.' }));
      waiting.clear();
      worker = undefined;
    };
    return worker;
  };
  return (question: Unnumbered<Question>, onTold?: (told: Told) => void): Promise<unknown> => {
    const id = nextId++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject, onTold });
      open().postMessage({ ...question, id });
    });
  };
}
