/** All child processes of a devnet: started with their logs, watched, and stopped in order and for certain. */
import { join } from 'node:path';
import type { JsonEvent } from '../output.ts';
import type { Display } from './display.ts';
import type { Layout, Party } from './layout.ts';
import { killGroup, type ManagedProcess, startProcess } from './process.ts';

export interface Fleet {
  /** Starts `fedai ARGS --json` for a party; `onEvent` gets each event it prints. */
  start(party: Party, args: readonly string[], options?: StartOptions): ManagedProcess;
  /** Latest started first, so that daemons leave before the chain they talk to. */
  stopAll(): Promise<void>;
}

export interface StartOptions {
  onEvent?: (event: JsonEvent) => void;
  /** A command that is expected to end by itself. */
  finite?: boolean;
  /** Also names the log file; the party's name when absent. */
  label?: string;
}

/** Time for a child to close its stores; they survive being killed after it. */
const STOP_GRACE_MS = 6_000;
/** Training and scoring give way to consensus, which has seconds to answer. */
const NICE: Partial<Record<Party['role'], number>> = { worker: 5, evaluator: 5 };

export function createFleet(layout: Layout, display: Display): Fleet {
  const children: ManagedProcess[] = [];
  let stopping = false;
  // The last resort, should this process end on a path that does not reach stopAll.
  process.on('exit', () => {
    for (const child of children) if (child.running()) killGroup(child.pid);
  });
  return {
    start(party, args, { onEvent = () => {}, finite = false, label = party.name } = {}) {
      const nice = NICE[party.role];
      const child = startProcess({
        name: label,
        args,
        logFile: join(layout.logs, `${label}.log`),
        env: { FEDAI_PASSWORD: layout.password },
        onEvent(event) {
          if (event.event === 'ready') display.update({ type: 'process', name: label, state: 'running' });
          onEvent(event);
        },
        ...(nice !== undefined && { nice }),
      });
      children.push(child);
      if (!finite) {
        display.update({ type: 'process', name: label, state: 'starting' });
        void child.ended.then(({ code, signal }) => {
          if (stopping) return;
          display.update({ type: 'process', name: label, state: 'ended' });
          const why = signal ?? `exit code ${code}`;
          display.update({ type: 'line', text: `${label} has ended (${why}): ${child.tail().at(-1) ?? ''}` });
        });
      }
      return child;
    },
    async stopAll() {
      stopping = true;
      const rank = (name: string) => (name.startsWith('validator') ? 1 : 0);
      for (const group of [0, 1]) {
        const members = children.filter((child) => rank(child.name) === group);
        await Promise.all(members.map((child) => child.stop(STOP_GRACE_MS)));
      }
    },
  };
}
