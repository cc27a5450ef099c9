/** Runs a tool as a child process for the scripts beside this file; the tools are those of node_modules/.bin. */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

export interface RunResult {
  code: number;
  /** Standard output and error together, as they came; empty unless captured. */
  output: string;
  seconds: number;
}

/** Runs `command`; its output goes to the terminal and, with `capture`, into the result too. */
export function run(
  command: string,
  args: readonly string[],
  options: { capture?: boolean } = {},
): Promise<RunResult> {
  const started = performance.now();
  const env = {
    ...process.env,
    PATH: `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
  };
  const child = spawn(command, args, {
    cwd: ROOT,
    env,
    stdio: ['ignore', options.capture ? 'pipe' : 'inherit', options.capture ? 'pipe' : 'inherit'],
    shell: process.platform === 'win32',
  });
  let output = '';
  for (const [stream, sink] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      sink.write(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code: code ?? (signal ? 128 : 1), output, seconds: (performance.now() - started) / 1000 });
    });
  });
}
