/** Runs the real `fedai` command in a child process, for tests. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FEDAI = fileURLToPath(new URL('../../cli/fedai.js', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Parsed lines of stdout. */
  events: Record<string, unknown>[];
}

/** `environment` replaces variables of fedai; undefined removes one. A line of output with `killAt` in it is the last. */
export function fedai(
  args: readonly string[],
  environment: Record<string, string | undefined> = {},
  killAt?: string,
): Promise<Outcome> {
  const env = { ...process.env, FEDAI_PASSWORD: 'test', ...environment };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [FEDAI, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      if (killAt !== undefined && stdout.includes(killAt)) child.kill('SIGKILL');
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
      resolve({ code, stdout, stderr, events: lines.map((line) => JSON.parse(line)) });
    });
  });
}
