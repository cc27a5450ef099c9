/** Parties that run as processes: started, paused, cut off and killed by a test, their events at hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ReplayLimits } from '../../job/index.ts';
import type { MarketContracts } from '../../market/index.ts';
import { until } from '../storage/until.ts';

/** `stake` in wei. */
export interface DaemonInput {
  role: 'worker' | 'evaluator';
  name: string;
  mnemonic: string;
  dataDir: string;
  rpc: string;
  contracts: MarketContracts;
  bootstrap: string[];
  pollMs: number;
  stake: bigint;
  /** Of the chain spec; without them it audits nothing. */
  replayLimits?: ReplayLimits;
}

export interface DaemonEvent {
  type: string;
  [field: string]: unknown;
}

export interface Party {
  readonly events: readonly DaemonEvent[];
  /** Resolves when an event of this type has been printed. */
  saw(type: string): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(): void;
  resume(): void;
  /** Its network cable. */
  cut(): void;
  mend(): void;
}

const CHILD = fileURLToPath(new URL('./daemonProcess.ts', import.meta.url));

export function startParty(input: DaemonInput): Party {
  const argument = JSON.stringify({ ...input, stake: input.stake.toString() });
  const child = spawn(process.execPath, [CHILD, argument], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const events: DaemonEvent[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => events.push(JSON.parse(line)));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const tell = (message: 'cut' | 'mend'): void => void child.send(message, () => {});
  return {
    events,
    saw: (type) => until(() => events.some((event) => event.type === type)),
    async kill() {
      endNow(child);
      await gone;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    cut: () => tell('cut'),
    mend: () => tell('mend'),
  };
}

function endNow(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}
