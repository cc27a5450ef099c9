/**
 * Notices when whoever started the devnet is gone, also by kill -9. Under `npm run` that is npm: between it and us there
 * may be a shell, which would live on.
 */
import { readFileSync } from 'node:fs';

const POLL_MS = 1_000;
/** npm, a shell, us: no longer chain is made by npm. */
const MAX_ANCESTORS = 3;

/** Calls back once when an ancestor up to npm has died. Does nothing when not started by npm: shells may end before us. */
export function watchParent(onGone: () => void): () => void {
  if (process.env.npm_lifecycle_event === undefined && process.env.npm_command === undefined) return () => {};
  const chain = ancestors();
  const timer = setInterval(() => {
    if (ancestors(chain.length).join() === chain.join()) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Process ids from the parent up, as far as the first npm; the parent alone where /proc does not tell. */
function ancestors(limit = MAX_ANCESTORS): number[] {
  const chain = [process.ppid];
  while (chain.length < limit && !isNpm(chain.at(-1)!)) {
    const next = parentOf(chain.at(-1)!);
    if (next === undefined || next <= 1) break;
    chain.push(next);
  }
  return chain;
}

function isNpm(pid: number): boolean {
  try {
    return /npm|npx/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
