/** Forks `peer-process.ts` and turns its IPC into calls. */
import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';

const NODE = resolve('node_modules/.bin/node');

export interface ForkedPeer {
  call<T>(name: string, ...args: unknown[]): Promise<T>;
  kill(): Promise<void>;
  process: ChildProcess;
}

export function forkPeer(): ForkedPeer {
  const child = fork(resolve(import.meta.dirname, 'peer-process.ts'), {
    execPath: NODE,
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let next = 0;
  child.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
    const entry = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) entry?.resolve(value);
    else entry?.reject(new TypeError(error));
  });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  return {
    process: child,
    call<T>(name: string, ...args: unknown[]) {
      return new Promise<T>((resolve, reject) => {
        waiting.set(++next, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id: next, call: name, args });
      });
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
