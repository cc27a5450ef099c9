/** PyTorch as a peer: present if some Python on this machine imports it; never required. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ModelDocument } from '../../engine/index.ts';

const SCRIPT = join(import.meta.dirname, 'torch_train.py');

/** A Python with PyTorch, tried in this order; undefined where there is none. */
export function findTorch(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => {
    try {
      execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore', timeout: 60_000 });
      return true;
    } catch {
      return false;
    }
  });
}

/** Samples per second of f32 training steps of the same layers at `threads` threads. */
export async function torchSpeed(
  python: string,
  model: ModelDocument,
  { batch, threads, seconds }: { batch: number; threads: number; seconds: number },
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'fedai-bench-'));
  try {
    const path = join(folder, 'model.json');
    writeFileSync(path, JSON.stringify(model));
    const args = [SCRIPT, path, String(batch), String(threads), String(seconds)];
    const { stdout } = await promisify(execFile)(python, args);
    return JSON.parse(stdout).samplesPerSecond;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
