/** Runs a whole devnet as its users do and keeps what it tells, with the time of each event. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

export interface Seen {
  /** Seconds since the start. */
  at: number;
  event: Record<string, unknown>;
}

/** Runs `fedai devnet --exit --json` with more options; `report` hears of the job's life and of chaos. */
export function runDevnet(
  report: (line: string) => void,
  options: readonly string[] = [],
): Promise<{ seen: Seen[]; code: number | null }> {
  const started = performance.now();
  const args = ['cli/fedai.js', 'devnet', '--exit', '--json', '--rpc-port', '0', ...options];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  const seen: Seen[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const event = JSON.parse(line);
      const at = (performance.now() - started) / 1000;
      seen.push({ at, event });
      if (event.event === 'job') report(`${at.toFixed(1)} s: ${event.name}`);
      if (event.event === 'chaos') report(`${at.toFixed(1)} s: ${event.action} ${event.name}`);
    }
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ seen, code })));
}

/** Seconds at which the last event of a job with this name came. */
export const timeOf = (seen: readonly Seen[], name: string): number =>
  seen.findLast(({ event }) => event.name === name)?.at ?? Number.NaN;
