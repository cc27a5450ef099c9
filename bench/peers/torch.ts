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

export interface TorchPeer {
  /** Speed of f32 training steps of the same layers. */
  speed(model: Omit<ModelDocument, 'numeric'>, recipe: TrainingRecipe, seconds: number): Promise<Speed>;
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
  return {
    async speed(model, recipe, seconds) {
      const answer = once(lines, 'line');
      child.stdin.write(`${JSON.stringify({ model, recipe, threads, seconds })}\n`);
      const [line] = await Promise.race([answer, ended]);
      return JSON.parse(line) as Speed;
    },
    close: () => child.stdin.end(),
  };
}
