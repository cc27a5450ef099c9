/** All child processes of a devnet: started with their logs, watched, and stopped in order and for certain. */
import { join } from 'node:path';
import type { FedaiError } from '../../core/index.ts';
import type { JsonEvent } from '../output.ts';
import type { Display } from './display.ts';
import type { Layout, Party } from './layout.ts';
import { type Exit, killGroup, type ManagedProcess, startProcess } from './process.ts';

export interface Fleet {
  /** Starts `fedai ARGS --json` for a party; `onEvent` gets each event it prints. */
  start(party: Party, args: readonly string[], options?: StartOptions): ManagedProcess;
  /** Kills the process of this name as a power cut would; resolves when it is gone. */
  kill(name: string): Promise<void>;
  /** Starts a killed process again as it was; a chain node on the same ports. */
  revive(name: string): ManagedProcess;
  running(name: string): boolean;
  /** Calls back for each event of each process, with the process's name; returns the way to stop. */
  onEvent(listener: (name: string, event: JsonEvent) => void): () => void;
  /** Latest started first, so that daemons leave before the chain they talk to. */
  stopAll(): Promise<void>;
}

export interface StartOptions {
  onEvent?: (event: JsonEvent) => void;
  /** A command that is expected to end by itself. */
  finite?: boolean;
  /** Also names the log file; the party's name when absent. */
  label?: string;
  /** Arguments for a revival; the same as before when absent. */
  again?: () => readonly string[];
  /** It has ended and nobody here willed it. */
  onEnd?: (error: FedaiError) => void;
}

/** Time for a child to close its stores; they survive being killed after it. */
const STOP_GRACE_MS = 6_000;
/** Evaluating gives way to consensus, which has seconds to answer. Workers' threads that train do so by themselves. */
const NICE: Partial<Record<Party['role'], number>> = { evaluator: 5 };

interface Member {
  party: Party;
  args: readonly string[];
  options: StartOptions;
  process: ManagedProcess;
  /** Its end is our doing. */
  doomed: boolean;
}

export function createFleet(layout: Layout, display: Display): Fleet {
  const members = new Map<string, Member>();
  const listeners = new Set<(name: string, event: JsonEvent) => void>();
  const children = () => [...members.values()].map((member) => member.process);
  let stopping = false;
  // The last resort, should this process end on a path that does not reach stopAll.
  process.on('exit', () => {
    for (const child of children()) if (child.running()) killGroup(child.pid);
  });
  function start(party: Party, args: readonly string[], options: StartOptions): ManagedProcess {
    const { onEvent = () => {}, finite = false, label = party.name } = options;
    const nice = NICE[party.role];
    const child = startProcess({
      name: label,
      args,
      logFile: join(layout.logs, `${label}.log`),
      env: { FEDAI_PASSWORD: layout.password },
      onEvent(event) {
        if (event.event === 'ready') display.update({ type: 'process', name: label, state: 'running' });
        onEvent(event);
        for (const listener of listeners) listener(label, event);
      },
      ...(nice !== undefined && { nice }),
    });
    const member: Member = { party, args, options, process: child, doomed: false };
    members.set(label, member);
    void child.ended.then((exit) => {
      if (!stopping && !member.doomed) options.onEnd?.(child.fault(exit));
    });
    if (finite) return child;
    display.update({ type: 'process', name: label, state: 'starting' });
    void child.ended.then(({ code, signal }) => {
      if (stopping) return;
      display.update({ type: 'process', name: label, state: 'ended' });
      if (member.doomed) return;
      display.update({ type: 'line', text: `${label} has ended: ${whyEnded(child, { code, signal })}` });
    });
    return child;
  }
  return {
    start: (party, args, options = {}) => start(party, args, options),
    async kill(name) {
      const member = members.get(name)!;
      member.doomed = true;
      await member.process.kill();
    },
    revive(name) {
      const { party, args, options, process } = members.get(name)!;
      const { again } = options;
      return start(party, again ? again() : samePorts(args, process.past('ready')), options);
    },
    running: (name) => members.get(name)?.process.running() ?? false,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stopAll() {
      stopping = true;
      const rank = (name: string) => (name.startsWith('validator') ? 1 : 0);
      for (const group of [0, 1]) {
        const ofGroup = children().filter((child) => rank(child.name) === group);
        await Promise.all(ofGroup.map((child) => child.stop(STOP_GRACE_MS)));
      }
    },
  };
}

/** Its own words, if it had any. A signal that nobody of us sent is mostly the system's, for want of memory. */
function whyEnded(child: ManagedProcess, { code, signal }: Exit): string {
  const told = child.past('error');
  const words = told ? `${told.message} [${told.code}] ${told.remedy ?? ''}` : (child.tail().at(-1) ?? '');
  if (signal === null) return `exit code ${code}: ${words}`;
  const isMemory = signal === 'SIGKILL' || signal === 'SIGABRT';
  return `${signal}${isMemory ? ', perhaps for want of memory' : ''}: ${words}`;
}

/** A chain node is known to others by its ports: where a free one was asked for, the one that was taken. */
function samePorts(args: readonly string[], ready: JsonEvent | undefined): string[] {
  if (ready?.rpc === undefined) return [...args];
  const taken: Record<string, string> = {
    '--rpc-port': new URL(String(ready.rpc)).port,
    '--listen': (ready.addresses as string[])[0]!.replace(/\/p2p\/.*$/, ''),
  };
  return args.map((arg, i) => taken[args[i - 1] ?? ''] ?? arg);
}
