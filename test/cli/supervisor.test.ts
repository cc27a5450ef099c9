import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProcess } from '../../cli/devnet/process.ts';
import { fedai } from './run.ts';

const SUPERVISOR = fileURLToPath(new URL('./supervisor.child.ts', import.meta.url));
let folder: string;
/** A daemon that waits for an RPC that never comes: it would live for ever. */
let daemonArgs: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-supervisor-'));
  const address = `0x${'11'.repeat(20)}`;
  const contracts = {
    staking: address,
    jobManager: address,
    workerRegistry: address,
    beaconHistory: address,
  };
  const chain = join(folder, 'chain.json');
  await writeFile(
    chain,
    JSON.stringify({
      format: 'fedai-chain/1',
      name: 'test',
      chainId: 1,
      contracts,
      validators: [],
      bootstrap: [],
    }),
  );
  const dataDir = join(folder, 'worker');
  expect((await fedai(['key', 'new', '--data-dir', dataDir, '--light'])).code).toBe(0);
  daemonArgs = ['worker', 'run', '--chain-spec', chain, '--rpc', 'http://127.0.0.1:9', '--data-dir', dataDir];
  daemonArgs.push('--listen', '/ip4/127.0.0.1/tcp/0');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a supervised process', () => {
  it('reports its events, writes its log and stops when asked', async () => {
    const logFile = join(folder, 'worker.log');
    const child = startProcess({
      name: 'worker',
      args: daemonArgs,
      logFile,
      env: { FEDAI_PASSWORD: 'test' },
      onEvent: () => {},
    });
    expect(await child.first('started')).toMatchObject({ address: expect.stringMatching(/^0x/) });
    expect(child.running()).toBe(true);
    expect(await child.stop(10_000)).toEqual({ code: 0, signal: null });
    expect(await readFile(logFile, 'utf8')).toContain('"event":"started"');
    await expect(child.first('ready')).rejects.toMatchObject({ code: 'PROCESS_ENDED' });
  });

  it('ends when its supervisor is killed with SIGKILL', async () => {
    const supervisor = spawn(process.execPath, [SUPERVISOR, join(folder, 'orphan.log'), ...daemonArgs], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) => {
      supervisor.stdout.once('data', (text) => resolve(Number(String(text).trim())));
    });
    expect(alive(pid)).toBe(true);
    supervisor.kill('SIGKILL');
    await until(() => !alive(pid), 'the daemon outlived its supervisor');
  });
});
