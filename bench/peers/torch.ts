/** PyTorch as a peer: present if some Python on this machine imports it; never required. One process serves a whole bench. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FedaiError } from '../../core/index.ts';
import type { ModelDocument } from '../../engine/index.ts';

const SCRIPT = join(import.meta.dirname, 'torch_train.py');

/** Samples a second of wall time, and of processor time: the latter is hardly disturbed by what else runs. */
export interface Speed {
  perSecond: number;
  perProcessorSecond: number;
}

export interface TorchPeer {
  /** Speed of f32 training steps of the same layers. */
  speed(model: ModelDocument, options: { batch: number; threads: number; seconds: number }): Promise<Speed>;
  close(): void;
}

/** A Python with PyTorch, tried in this order; undefined where there is none. */
export function findTorch(): TorchPeer | undefined {
  const python = ['python3', '/usr/bin/python3'].find((candidate) => {
    try {
      execFileSync(candidate, ['-c', 'import torch'], { stdio: 'ignore', timeout: 60_000 });
      return true;
    } catch {
      return false;
    }
  });
  return python === undefined ? undefined : startTorch(python);
}

function startTorch(python: string): TorchPeer {
  const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(([code]) => {
    throw new FedaiError('BENCH_PEER', 'PyTorch ended early', { code }, { remedy: `run ${SCRIPT} by hand` });
  });
  ended.catch(() => undefined);
  return {
    async speed(model, options) {
      const answer = once(lines, 'line');
      child.stdin.write(`${JSON.stringify({ model, ...options })}\n`);
      const [line] = await Promise.race([answer, ended]);
      return JSON.parse(line) as Speed;
    },
    close: () => child.stdin.end(),
  };
}
