/** PyTorch as a peer: present if some Python on this machine imports it; never required. One process serves one number of threads. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FedaiError } from '../../core/index.ts';
import type { ModelDocument, TrainingRecipe } from '../../engine/index.ts';

const SCRIPT = join(import.meta.dirname, 'torch_train.py');

/** Samples a second of wall time, and of the main thread's own processor time, which matters with one thread only. */
export interface Speed {
  perSecond: number;
  perThreadSecond: number;
}

/** On records that were not trained on: share of right answers, mean nats of the answers. */
export interface Scores {
  accuracy: number;
  nats: number;
}

/** Records are u8, `order` names those of each step. */
export interface TrainRequest {
  model: Omit<ModelDocument, 'numeric'>;
  recipe: TrainingRecipe;
  weights: readonly { name: string; shape: readonly number[]; values: Float32Array }[];
  train: { inputs: Uint8Array; labels: Uint8Array };
  test: { inputs: Uint8Array; labels: Uint8Array };
  order: Uint32Array;
}

export interface TorchPeer {
  /** Speed of f32 training steps of the same layers. */
  speed(model: Omit<ModelDocument, 'numeric'>, recipe: TrainingRecipe, seconds: number): Promise<Speed>;
  /** Trains in f32 from these weights. */
  train(request: TrainRequest): Promise<Scores>;
  close(): void;
}

/** Starts a Python with PyTorch on so many threads; undefined where there is none. */
export function findTorch(): ((threads: number) => TorchPeer) | undefined {
  const python = ['python3', '/usr/bin/python3'].find((candidate) => {
    try {
      execFileSync(candidate, ['-c', 'import torch'], { stdio: 'ignore', timeout: 60_000 });
      return true;
    } catch {
      return false;
    }
  });
  return python === undefined ? undefined : (threads) => startTorch(python, threads);
}

function startTorch(python: string, threads: number): TorchPeer {
  const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
  const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'], env });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(([code]) => {
    throw new FedaiError('BENCH_PEER', 'PyTorch ended early', { code }, { remedy: `run ${SCRIPT} by hand` });
  });
  ended.catch(() => undefined);
  const ask = async <Answer>(request: object): Promise<Answer> => {
    const answer = once(lines, 'line');
    child.stdin.write(`${JSON.stringify({ ...request, threads })}\n`);
    const [line] = await Promise.race([answer, ended]);
    return JSON.parse(line) as Answer;
  };
  return {
    speed: (model, recipe, seconds) => ask<Speed>({ model, recipe, seconds }),
    train: ({ model, recipe, weights, train, test, order }) =>
      ask<Scores>({
        ...{ model, recipe, order: base64(order), train: encoded(train), test: encoded(test) },
        weights: weights.map(({ values, ...tensor }) => ({ ...tensor, values: base64(values) })),
      }),
    close: () => child.stdin.end(),
  };
}

const base64 = ({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array | Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

const encoded = ({ inputs, labels }: TrainRequest['train']) => ({
  inputs: base64(inputs),
  labels: base64(labels),
});
